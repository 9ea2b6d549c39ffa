terraform {
  required_version = ">= 1.11"

  required_providers {
    # For whoever configures it: the root has no resource of its own, only modules that use it.
    # tflint-ignore: terraform_unused_required_providers
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
