# IAM is global, so any region works.
provider "aws" {
  region = var.region

  # With credentials of another account, nothing is planned or changed.
  allowed_account_ids = [var.account_id]

  dynamic "assume_role" {
    for_each = var.role_name == null ? [] : [var.role_name]

    content {
      role_arn = "arn:aws:iam::${var.account_id}:role/${assume_role.value}"
    }
  }
}
