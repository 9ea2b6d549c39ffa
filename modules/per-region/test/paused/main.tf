# The parameter after an operator has changed it, as the state shows it.
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
