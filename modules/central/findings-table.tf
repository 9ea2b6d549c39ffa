# Stores the state that jobs share: leases, recent changes, and the history of findings. One table for all regions. Each item
# has one writer; the functions' policies enforce this by the items' keys.

locals {
  findings_table = "${var.name}-findings"
}

# trivy:ignore:AVD-AWS-0025 encrypted with DynamoDB's own key; a customer managed key costs money, so the user chooses it
resource "aws_dynamodb_table" "findings" {
  # checkov:skip=CKV_AWS_119: encrypted with DynamoDB's own key; a customer managed key costs money, so the user chooses it
  name         = local.findings_table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"
  tags         = var.tags

  # The table is kept as long as the evidence.
  deletion_protection_enabled = !local.inputs.evidence.force_destroy

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  # Readers ignore expired items immediately; DynamoDB deletes them within days.
  ttl {
    attribute_name = "expiresAt"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without your own key: DynamoDB's, which is free.
  server_side_encryption {
    enabled     = local.own_keys.table != null
    kms_key_arn = local.own_keys.table
  }
}
