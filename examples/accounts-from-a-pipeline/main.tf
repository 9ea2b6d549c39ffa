# One account a state: the pipeline applies this root once for each account that it makes, with that account's key.
module "target" {
  # In a repository of your own:
  # source = "git::https://github.com/your-organization/cspm-auto-remediation.git//modules/target?ref=v0.2.0"
  source = "../../modules/target"

  security_account_id = var.security_account_id
  external_id         = var.external_id
  organization_id     = var.organization_id
  rules               = var.rules
  cloudtrail_lookup   = true # Lets a message say who undid a fix that had to be made three times in a week.
  tags                = var.tags
}

# The account that this state was first applied for. An init that was forgotten leaves the state of the account before:
# Terraform would forget that one's role and make another, or take over a role that another state has.
resource "terraform_data" "account" {
  input = var.account_id

  lifecycle {
    ignore_changes = [input]
  }
}
