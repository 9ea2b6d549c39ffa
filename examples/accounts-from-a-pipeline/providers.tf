# IAM is global: some region is needed, whichever it is.
provider "aws" {
  region = var.region

  # An apply with the wrong account's credentials or state fails instead of changing that account.
  allowed_account_ids = [var.account_id]

  assume_role {
    role_arn = "arn:aws:iam::${var.account_id}:role/${var.role_name}"
  }
}
