terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "create" {
  type = bool
}

module "target" {
  count  = var.create ? 1 : 0
  source = "../.."

  security_account_id = "111111111111"
}

output "instances" {
  value = length(module.target)
}
