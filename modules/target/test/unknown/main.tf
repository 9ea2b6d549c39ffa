# With depends_on, the module's data sources are unknown at plan.

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

module "target" {
  source = "../.."

  security_account_id = "111111111111"
  rules               = ["security-group-ssh-open", "vpc-flow-logs-disabled"]

  # Also unknown at plan.
  iam = { create_delivery_role = false, delivery_role_name = terraform_data.before.id }

  depends_on = [terraform_data.before]
}

output "flow_logs_role" {
  description = "Null, because the caller names another role."
  value       = module.target.flow_logs_role_arn
}

output "planned" {
  description = "Makes sure that the role is planned."
  value       = module.target.role_arn
}
