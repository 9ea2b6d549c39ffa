# What an operator made of the parameter, as the state shows it afterwards.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "aws_ssm_parameter" "pause" {
  name  = "/cspm-auto-remediation/pause"
  type  = "String"
  tier  = "Standard"
  value = "all"
}
