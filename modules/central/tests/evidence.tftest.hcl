mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { s3-bucket-public = {} }
}

run "kept_by_a_destroy" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.evidence.policy).Statement : [statement.Sid, statement.Effect, statement.Action]
    ] == [["OnlyOverTls", "Deny", "s3:*"], ["KeptByDestroy", "Deny", "s3:DeleteBucketPolicy"]]
    error_message = "A destroy must be refused at the policy, with which it begins: ${aws_s3_bucket_policy.evidence.policy}"
  }

  assert {
    condition = alltrue([
      aws_dynamodb_table.findings.name == "cspm-auto-remediation-findings",
      aws_dynamodb_table.findings.deletion_protection_enabled,
      aws_dynamodb_table.findings.billing_mode == "PAY_PER_REQUEST",
      aws_dynamodb_table.findings.point_in_time_recovery[0].enabled,
      one(aws_dynamodb_table.findings.ttl[*].attribute_name) == "expiresAt",
      !one(aws_dynamodb_table.findings.server_side_encryption[*].enabled),
      output.link.findings_table == "cspm-auto-remediation-findings",
    ])
    error_message = "The findings table must be kept by a destroy, recoverable, on demand, and encrypted by DynamoDB's own key: ${jsonencode(aws_dynamodb_table.findings)}"
  }
}

run "the_table_by_a_key_of_the_users" {
  command = plan

  variables {
    evidence = { table_kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/mine" }
  }

  assert {
    condition     = one(aws_dynamodb_table.findings.server_side_encryption[*].kms_key_arn) == "arn:aws:kms:eu-central-1:111111111111:key/mine" && output.link.findings_table_key_arn == "arn:aws:kms:eu-central-1:111111111111:key/mine"
    error_message = "The key must encrypt the table, and the remediators must know of it."
  }
}

run "the_table_by_a_key_of_another_region" {
  command = plan

  variables {
    evidence = { table_kms_key_arn = "arn:aws:kms:us-east-1:111111111111:key/mine" }
  }

  expect_failures = [var.evidence]
}

run "deleted_where_that_is_asked_for" {
  command = plan

  variables {
    evidence = { force_destroy = true }
  }

  assert {
    condition = aws_s3_bucket.evidence.force_destroy && [
      for statement in jsondecode(aws_s3_bucket_policy.evidence.policy).Statement : statement.Sid
    ] == ["OnlyOverTls"] && !aws_dynamodb_table.findings.deletion_protection_enabled
    error_message = "The bucket's policy may be deleted: ${aws_s3_bucket_policy.evidence.policy}"
  }
}
