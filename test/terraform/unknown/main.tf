# With depends_on, the modules' data sources (account, region, partition) are unknown at plan, and so are values that the same
# apply creates.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "terraform_data" "before" {
  input = "before"
}

module "cspm_auto_remediation" {
  source = "../../.."

  netskope_tenant = "acme"
  api_token       = "token"

  rules = {
    security-group-ssh-open = { mode = "enforce" }
    vpc-flow-logs-disabled  = { options = { delivery_role_name = terraform_data.before.id } }
    rds-instance-public     = {}
    acme-queues             = {}
    acme-databases          = {}
  }

  # What custom rules hold must be known.
  custom_rules = {
    acme-queues = {
      netskope_rule_names = ["ACME-17"]
      runbook = {
        document     = "acme-tag"
        parameters   = { Queue = ["{{resource}}"] }
        undo         = { document = "acme-untag" }
        resource_arn = "arn:{{partition}}:sqs:{{region}}:{{account}}:{{resource}}"
      }
      permissions = { automation = [{ actions = ["sqs:TagQueue"], resources = ["arn:{{partition}}:sqs:{{region}}:{{account}}:*"] }] }
    }
    acme-databases = {
      netskope_rule_names = ["ACME-12"]
      desired_state       = { resource_type = "AWS::RDS::DBInstance", set = { "/PubliclyAccessible" = false } }
      permissions         = { write = [{ actions = ["rds:ModifyDBInstance"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }] }
    }
  }

  evidence = {
    access_log = { bucket = terraform_data.before.id }

    policy_statements = [{
      Effect    = "Allow"
      Principal = { AWS = terraform_data.before.id }
      Action    = "s3:GetObject"
    }]
  }

  remediator = {
    layers             = [terraform_data.before.id]
    subnet_ids         = [terraform_data.before.id]
    security_group_ids = [terraform_data.before.id]
  }

  alarms = { topic_arns = [terraform_data.before.id] }

  depends_on = [terraform_data.before]
}

output "bucket" {
  description = "So that it is planned."
  value       = module.cspm_auto_remediation.settings_bucket
}
