terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "create" {
  type = bool
}

module "central" {
  count  = var.create ? 1 : 0
  source = "../.."

  netskope_tenant = "acme"
  api_token       = "token"
  rules           = {}
}

output "instances" {
  value = length(module.central)
}
