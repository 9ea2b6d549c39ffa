terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "create" {
  type = bool
}

variable "link" {
  type = any
}

module "region" {
  count  = var.create ? 1 : 0
  source = "../.."

  link = var.link
}

output "instances" {
  value = length(module.region)
}
