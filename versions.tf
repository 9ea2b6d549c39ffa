terraform {
  required_version = ">= 1.11"

  required_providers {
    # For users who configure it: the root has no resources, only modules that use it.
    # tflint-ignore: terraform_unused_required_providers
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
