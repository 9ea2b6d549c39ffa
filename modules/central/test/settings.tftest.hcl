# The objects that the remediators read, and their bucket.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  iam             = { path = "/security/" }
  rules = {
    s3-bucket-public        = {}
    security-group-ssh-open = { mode = "enforce" }
  }
}

run "one_object_per_rule_and_one_for_the_accounts" {
  command = plan

  assert {
    condition     = { for id, object in aws_s3_object.rule : object.key => object.content } == { for id, text in output.settings.rules : "rules/${id}.json" => text }
    error_message = "Objects: ${jsonencode(aws_s3_object.rule)}"
  }

  assert {
    condition     = aws_s3_object.accounts.key == "accounts.json" && aws_s3_object.accounts.content == output.settings.accounts
    error_message = "Object: ${jsonencode(aws_s3_object.accounts)}"
  }

  assert {
    condition     = alltrue([for object in concat(values(aws_s3_object.rule), [aws_s3_object.accounts]) : object.etag == md5(object.content)])
    error_message = "A plan must show objects that someone else has written."
  }
}

run "private_versioned_and_written_only_by_terraform" {
  command = plan

  assert {
    condition     = aws_s3_bucket.settings.bucket == "cspm-auto-remediation-settings-111111111111-eu-central-1" && output.link.settings_bucket == aws_s3_bucket.settings.bucket
    error_message = "Bucket: ${aws_s3_bucket.settings.bucket}"
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.settings.block_public_acls,
      aws_s3_bucket_public_access_block.settings.block_public_policy,
      aws_s3_bucket_public_access_block.settings.ignore_public_acls,
      aws_s3_bucket_public_access_block.settings.restrict_public_buckets,
      aws_s3_bucket_versioning.settings.versioning_configuration[0].status == "Enabled",
      aws_s3_bucket_ownership_controls.settings.rule[0].object_ownership == "BucketOwnerEnforced",
    ])
    error_message = "Settings are private and versioned."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.settings.policy).Statement[*] == [
      {
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource = [
          "arn:aws:s3:::cspm-auto-remediation-settings-111111111111-eu-central-1",
          "arn:aws:s3:::cspm-auto-remediation-settings-111111111111-eu-central-1/*",
        ]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "NotByTheFunctions"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"]
        Resource  = ["arn:aws:s3:::cspm-auto-remediation-settings-111111111111-eu-central-1/*"]
        Condition = { ArnLike = { "aws:PrincipalArn" = [
          "arn:aws:iam::111111111111:role/security/cspm-auto-remediation-collector",
          "arn:aws:iam::111111111111:role/security/cspm-auto-remediation-remediator-*",
        ] } }
      },
    ]
    error_message = "Policy: ${aws_s3_bucket_policy.settings.policy}"
  }
}

# All of these are valid in every service.
run "unusual_tags" {
  command = plan
  variables {
    tags = { "cost:center" = "a b/c=d+e@f-g_h.i", "Größe" = "ü", empty = "", (format("%0128d", 0)) = format("%0256d", 0) }
  }

  assert {
    condition     = aws_s3_bucket.settings.tags["cost:center"] == "a b/c=d+e@f-g_h.i"
    error_message = jsonencode(aws_s3_bucket.settings.tags)
  }
}
