# The security account's home region, and one provider for each account that has a target role. The security account's
# other regions are in regions.tf.json.
# The caller's own credentials are those of the management account, or of any account that may assume `role_name`.

locals {
  security_role = "arn:aws:iam::${var.security_account_id}:role/${var.role_name}"
}

provider "aws" {
  region = "eu-central-1"

  assume_role {
    role_arn = local.security_role
  }
}

# IAM is global, so any region works. With a StackSet, these providers are not used.

provider "aws" {
  alias  = "production"
  region = "eu-central-1"

  assume_role {
    role_arn = "arn:aws:iam::${coalesce(var.production_account_id, var.security_account_id)}:role/${var.role_name}"
  }
}

provider "aws" {
  alias  = "staging"
  region = "eu-central-1"

  assume_role {
    role_arn = "arn:aws:iam::${coalesce(var.staging_account_id, var.security_account_id)}:role/${var.role_name}"
  }
}
