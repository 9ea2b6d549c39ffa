# With depends_on, what the module asks AWS for is not known at plan.

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

  depends_on = [terraform_data.before]
}

output "planned" {
  description = "So that the role is planned."
  value       = module.target.role_arn
}
