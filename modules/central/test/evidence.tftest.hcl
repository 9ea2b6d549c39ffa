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
    condition     = length(aws_cloudtrail.audit) == 0 && length(output.tampered_settings) == 0
    error_message = "No trail by default, because data events cost money. Without a key, ETags show tampering."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.evidence[0].policy).Statement : [statement.Sid, statement.Effect, statement.Action]
    ] == [["OnlyOverTls", "Deny", "s3:*"], ["KeptByDestroy", "Deny", "s3:DeleteBucketPolicy"]]
    error_message = "A destroy must be refused at the policy, with which it begins: ${aws_s3_bucket_policy.evidence[0].policy}"
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
    error_message = "The findings table must survive a destroy, be recoverable and on demand, and be encrypted with DynamoDB's own key: ${jsonencode(aws_dynamodb_table.findings)}"
  }
}

# One default key, one for a single use, and one of another region. Each use is encrypted, and each role can use the keys that it needs.
run "customer_keys" {
  command = plan

  variables {
    regions = ["eu-central-1", "us-east-1"]
    encryption = {
      eu-central-1 = { all = "arn:aws:kms:eu-central-1:111111111111:key/all", table = "arn:aws:kms:eu-central-1:111111111111:key/table", evidence = "arn:aws:kms:eu-central-1:111111111111:key/evidence" }
      us-east-1    = { queues = "arn:aws:kms:us-east-1:111111111111:key/queues" }
    }
    audit_trail = { bucket = "logs", key_prefix = "audit" }
    evidence = {
      noncurrent_days = 7
      transitions     = [{ days = 0, storage_class = "INTELLIGENT_TIERING" }, { days = 90, storage_class = "GLACIER_IR" }]
      object_lock     = { mode = "COMPLIANCE", days = 365 }
      access_log      = { bucket = "access-logs", prefix = "evidence/" }
      policy_statements = [
        { Sid = "Auditors", Effect = "Allow", Principal = { AWS = "arn:aws:iam::222222222222:root" }, Action = ["s3:GetObject"], Resource = ["arn:aws:s3:::ours/outcomes/*"] },
        { Sid = "NobodyElse", Effect = "Deny", Principal = "*", Action = "s3:PutObject", Condition = { StringNotEquals = { "aws:PrincipalAccount" = "111111111111" } } },
      ]
    }
  }

  # As if someone else had written both. test/e2e/tampered-settings.test.ts writes one of them.
  override_resource {
    target          = aws_s3_object.accounts
    override_during = plan
    values          = { version_id = "v1", checksum_sha256 = "" }
  }

  override_resource {
    target          = aws_s3_object.rule
    override_during = plan
    values          = { version_id = "v2", checksum_sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  }

  assert {
    condition     = output.tampered_settings == tolist(["accounts.json", "rules/s3-bucket-public.json"])
    error_message = jsonencode(output.tampered_settings)
  }

  assert {
    condition = jsonencode([for selector in one(aws_cloudtrail.audit).advanced_event_selector : {
      for field in selector.field_selector : field.field => coalesce(field.equals, field.starts_with, field.not_starts_with)
      }]) == jsonencode([
      {
        eventCategory    = ["Data"]
        "resources.type" = ["AWS::S3::Object"]
        "resources.ARN"  = ["arn:aws:s3:::cspm-auto-remediation-settings-111111111111-eu-central-1/"]
        readOnly         = ["false"]
      },
      {
        eventCategory      = ["Data"]
        "resources.type"   = ["AWS::DynamoDB::Table"]
        "resources.ARN"    = ["arn:aws:dynamodb:eu-central-1:111111111111:table/cspm-auto-remediation-findings"]
        readOnly           = ["false"]
        "userIdentity.arn" = ["arn:aws:sts::111111111111:assumed-role/cspm-auto-remediation-collector/", "arn:aws:sts::111111111111:assumed-role/cspm-auto-remediation-remediator-"]
      },
    ]) && one(aws_cloudtrail.audit).s3_bucket_name == "logs"
    error_message = "The trail must record every write to settings, and writes of people to the table: ${jsonencode(aws_cloudtrail.audit)}"
  }

  assert {
    condition = alltrue([
      one(aws_s3_bucket_object_lock_configuration.evidence[0].rule[*].default_retention[0].mode) == "COMPLIANCE" && one(aws_s3_bucket_object_lock_configuration.evidence[0].rule[*].default_retention[0].days) == 365,
      aws_s3_bucket_logging.evidence[0].target_bucket == "access-logs" && aws_s3_bucket_logging.evidence[0].target_prefix == "evidence/",
      [for transition in aws_s3_bucket_lifecycle_configuration.evidence[0].rule[0].transition : "${transition.days} ${transition.storage_class}"] == ["0 INTELLIGENT_TIERING", "90 GLACIER_IR"],
      aws_s3_bucket_lifecycle_configuration.evidence[0].rule[0].noncurrent_version_expiration[0].noncurrent_days == 7,
      [for statement in jsondecode(aws_s3_bucket_policy.evidence[0].policy).Statement : [statement.Sid, flatten([statement.Resource])]] == [
        ["OnlyOverTls", ["arn:aws:s3:::mock", "arn:aws:s3:::mock/*"]],
        ["KeptByDestroy", ["arn:aws:s3:::mock"]],
        ["Auditors", ["arn:aws:s3:::ours/outcomes/*"]],
        ["NobodyElse", ["arn:aws:s3:::mock", "arn:aws:s3:::mock/*"]],
      ],
    ])
    error_message = "The bucket must be as configured: ${aws_s3_bucket_policy.evidence[0].policy}"
  }

  assert {
    condition = alltrue([
      one(aws_dynamodb_table.findings.server_side_encryption[*].kms_key_arn) == "arn:aws:kms:eu-central-1:111111111111:key/table",
      aws_secretsmanager_secret.api_token[0].kms_key_id == "arn:aws:kms:eu-central-1:111111111111:key/all",
      aws_sns_topic.notifications[0].kms_master_key_id == "arn:aws:kms:eu-central-1:111111111111:key/all",
      alltrue([for queue in [aws_sqs_queue.polls_dead_letters, aws_sqs_queue.notifications_dead_letters[0]] : queue.kms_master_key_id == "arn:aws:kms:eu-central-1:111111111111:key/all"]),
      module.collector.log_key_arn == "arn:aws:kms:eu-central-1:111111111111:key/all",
      [
        for configuration in [aws_s3_bucket_server_side_encryption_configuration.evidence[0], aws_s3_bucket_server_side_encryption_configuration.settings] :
        [for rule in configuration.rule : [one(rule.apply_server_side_encryption_by_default).kms_master_key_id, rule.bucket_key_enabled]]
      ] == [[["arn:aws:kms:eu-central-1:111111111111:key/evidence", true]], [["arn:aws:kms:eu-central-1:111111111111:key/all", true]]],
      # S3's ETag is not an MD5 then, so a second plan would always show a change.
      aws_s3_object.accounts.source_hash == md5(output.settings.accounts) && aws_s3_object.rule["s3-bucket-public"].source_hash == md5(output.settings.rules["s3-bucket-public"]),
    ])
    error_message = "Each must have its key: ${jsonencode(module.settings.keys)}"
  }

  assert {
    condition = [
      for statement in jsondecode(module.collector.policy).Statement : [statement.Action, statement.Resource, statement.Condition] if startswith(statement.Action[0], "kms:")
      ] == [
      [["kms:Decrypt"], ["arn:aws:kms:eu-central-1:111111111111:key/all"], { StringEquals = { "kms:ViaService" = ["secretsmanager.eu-central-1.amazonaws.com"] } }],
      [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-central-1:111111111111:key/all", "arn:aws:kms:us-east-1:111111111111:key/queues"], { StringEquals = { "kms:ViaService" = ["sqs.eu-central-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"] } }],
      [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-central-1:111111111111:key/evidence"], { StringEquals = { "kms:ViaService" = ["s3.eu-central-1.amazonaws.com"] } }],
      [["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"], ["arn:aws:kms:eu-central-1:111111111111:key/table"], { StringEquals = { "kms:ViaService" = ["dynamodb.eu-central-1.amazonaws.com"] } }],
    ]
    error_message = "The collector may use keys only through their services: ${module.collector.policy}"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.scheduler.policy).Statement : statement.Condition if contains(statement.Action, "kms:GenerateDataKey")] == [{ StringEquals = { "kms:ViaService" = ["sqs.eu-central-1.amazonaws.com"] } }]
    error_message = "The scheduler sends failed polls to an encrypted queue: ${aws_iam_role_policy.scheduler.policy}"
  }

  assert {
    condition     = output.link.keys["us-east-1"].queues == "arn:aws:kms:us-east-1:111111111111:key/queues" && output.link.keys["us-east-1"].logs == null && output.link.keys["eu-central-1"].buckets == "arn:aws:kms:eu-central-1:111111111111:key/all"
    error_message = "Remediators must know the keys: ${jsonencode(output.link.keys)}"
  }
}

run "deleted_with_force_destroy" {
  command = plan

  variables {
    evidence = { force_destroy = true }
  }

  assert {
    condition = aws_s3_bucket.evidence[0].force_destroy && [
      for statement in jsondecode(aws_s3_bucket_policy.evidence[0].policy).Statement : statement.Sid
    ] == ["OnlyOverTls"] && !aws_dynamodb_table.findings.deletion_protection_enabled
    error_message = "The bucket's policy may be deleted: ${aws_s3_bucket_policy.evidence[0].policy}"
  }
}
