resource "aws_cloudtrail" "audit" {
  # checkov:skip=CKV_AWS_67: the bucket and the table that it records are in this region
  # checkov:skip=CKV_AWS_252: it is for investigations; alarms are based on outcomes
  # checkov:skip=CKV_AWS_35: encrypted with the bucket's own key; a customer managed key costs money, so the user chooses it
  # checkov:skip=CKV2_AWS_10: log files in the bucket are enough for investigations
  count = local.inputs.audit_trail == null ? 0 : 1

  name                          = "${var.name}-audit"
  s3_bucket_name                = local.inputs.audit_trail.bucket
  s3_key_prefix                 = local.inputs.audit_trail.key_prefix
  kms_key_id                    = local.inputs.audit_trail.kms_key_arn
  enable_log_file_validation    = true
  include_global_service_events = false
  tags                          = var.tags

  advanced_event_selector {
    name = "Writes to the settings bucket"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["${local.settings_bucket_arn}/"]
    }
    field_selector {
      field  = "readOnly"
      equals = ["false"]
    }
  }

  # The functions write to it thousands of times per day, and each logged event costs money.
  advanced_event_selector {
    name = "Writes to the findings table by others than the functions"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::DynamoDB::Table"]
    }
    field_selector {
      field  = "resources.ARN"
      equals = ["arn:${local.partition}:dynamodb:${local.home_region}:${local.account_id}:table/${aws_dynamodb_table.findings.name}"]
    }
    field_selector {
      field  = "readOnly"
      equals = ["false"]
    }
    field_selector {
      field           = "userIdentity.arn"
      not_starts_with = [for role in ["collector/", "remediator-"] : "arn:${local.partition}:sts::${local.account_id}:assumed-role/${var.name}-${role}"]
    }
  }
}
