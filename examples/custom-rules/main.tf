module "cspm_auto_remediation" {
  # In your own repository:
  # source = "git::https://github.com/your-organization/cspm-auto-remediation.git?ref=v0.2.0"
  source = "../.."

  netskope_tenant = var.netskope_tenant
  api_token       = var.api_token

  custom_rules = {
    # With the values that properties must have.
    acme-database-tags = {
      title               = "Snapshots have the tags of their databases"
      netskope_rule_names = ["ACME-12 Snapshots have tags"]
      resource_id_pattern = "[a-z][a-z0-9-]*"
      risk                = "Costs of snapshots appear under the tags of their databases."
      desired_state = {
        resource_type = "AWS::RDS::DBInstance"
        set           = { "/CopyTagsToSnapshot" = true }
        ready         = { "/DBInstanceStatus" = "available" }
      }
      permissions = {
        read  = [{ actions = ["rds:DescribeDBInstances"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }]
        write = [{ actions = ["rds:ModifyDBInstance"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }]
      }
    }

    # With your own document, and another one that undoes it.
    acme-queue-owner = {
      title               = "Queues have an owner"
      netskope_rule_names = ["ACME-17 Queues have an owner"]
      severity            = "low"
      resource_id_pattern = "[A-Za-z0-9_-]{1,80}"
      runbook = {
        document   = aws_ssm_document.queue_owner["tag"].name
        parameters = { AutomationAssumeRole = ["{{automation_role_arn}}"], Queue = ["{{resource}}"] }
        undo = {
          document   = aws_ssm_document.queue_owner["untag"].name
          parameters = { AutomationAssumeRole = ["{{automation_role_arn}}"], Queue = ["{{resource}}"] }
        }
        resource_arn = "arn:{{partition}}:sqs:{{region}}:{{account}}:{{resource}}" # its tags may exempt it
      }
      permissions = {
        automation = [{ actions = ["sqs:GetQueueUrl", "sqs:TagQueue", "sqs:UntagQueue"], resources = ["arn:{{partition}}:sqs:{{region}}:{{account}}:*"] }]
      }
    }
  }

  # Custom rules and library rules are enabled like any other. dry_run is the default mode.
  rules = {
    acme-database-tags  = {} # after its plans are read: { mode = "enforce" }
    acme-queue-owner    = {}
    rds-instance-public = { exemptions = [{ resource = "partner-*", reason = "partners connect", owner = "data team", expires = "2099-12-31" }] }
  }

  undo             = true
  evidence         = { force_destroy = var.force_destroy }
  api_token_secret = { recovery_days = var.force_destroy ? 0 : 7 }
}
