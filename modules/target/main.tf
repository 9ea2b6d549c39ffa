data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  account_id      = data.aws_caller_identity.this.account_id
  partition       = data.aws_partition.this.partition
  external_id     = coalesce(var.external_id, "${var.name}-${var.security_account_id}")
  remediator_arns = "arn:${local.partition}:iam::${var.security_account_id}:role${var.iam.remediator_role_path}${var.name}-remediator-*"
}

resource "aws_iam_role" "remediation" {
  name                 = "${var.name}-remediation"
  path                 = var.iam.path
  permissions_boundary = var.iam.permissions_boundary_arn
  description          = "Cures what CSPM finds in this account. Assumed by the remediators of account ${var.security_account_id} alone."
  assume_role_policy   = local.trust_policy
  tags                 = var.tags
}

resource "aws_iam_role_policy" "remediation" {
  count = length(local.rules) > 0 ? 1 : 0

  name   = "enabled-rules"
  role   = aws_iam_role.remediation.name
  policy = local.policy

  lifecycle {
    precondition {
      condition     = length(local.policy) <= 10240
      error_message = "The role's policy for ${length(local.rules)} rules has ${length(local.policy)} characters: IAM takes 10240. Name fewer rules in `rules`."
    }
  }
}
