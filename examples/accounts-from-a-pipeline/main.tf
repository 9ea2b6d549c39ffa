# One state per account: the pipeline applies this root once for each account that it creates, with that account's state key.
module "target" {
  # In your own repository:
  # source = "git::https://github.com/your-organization/cspm-auto-remediation.git//modules/target?ref=v0.2.0"
  source = "../../modules/target"

  security_account_id = var.security_account_id
  external_id         = var.external_id
  organization_id     = var.organization_id
  rules               = var.rules
  cloudtrail_lookup   = true # So that a notification says who undid a fix that was made three times within a week.
  tags                = var.tags
}

# The account for which this state was first applied. Without a new init, Terraform would use the previous account's state: it would
# lose track of that account's role, or take over a role of another state.
resource "terraform_data" "account" {
  input = var.account_id

  lifecycle {
    ignore_changes = [input]
  }
}
