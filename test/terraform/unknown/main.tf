# With depends_on, what the modules ask AWS for (account, region, partition) is not known at plan.

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
  rules           = { security-group-ssh-open = { mode = "enforce" } }

  depends_on = [terraform_data.before]
}

output "bucket" {
  description = "So that it is planned."
  value       = module.cspm_auto_remediation.settings_bucket
}
