# With depends_on, what the modules ask AWS for (account, region, partition) is not known at plan. Nor is what the same apply
# makes.

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
