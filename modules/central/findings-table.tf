# What is known of findings from one job to the next: who works on a job, what was changed recently. One table for all
# regions; each item has one writer, which the policies of the functions hold to by the items' keys.

locals {
  findings_table = "${var.name}-findings"
}

# trivy:ignore:AVD-AWS-0025 encrypted by DynamoDB's own key; no key at a price unless the user brings one
resource "aws_dynamodb_table" "findings" {
  # checkov:skip=CKV_AWS_119: encrypted by DynamoDB's own key; no key at a price unless the user brings one
  name         = local.findings_table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"
  tags         = var.tags

  # It is kept with the evidence.
  deletion_protection_enabled = !local.inputs.evidence.force_destroy

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  # Items are read as expired once their time is over; DynamoDB deletes them within days.
  ttl {
    attribute_name = "expiresAt"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without a key of the user's: DynamoDB's own, which costs nothing.
  server_side_encryption {
    enabled     = local.own_keys.table != null
    kms_key_arn = local.own_keys.table
  }
}
