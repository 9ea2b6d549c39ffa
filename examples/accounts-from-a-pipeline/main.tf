# One account a state: the pipeline applies this root once for each account that it makes, with that account's key.
module "target" {
  # In a repository of your own:
  # source = "git::https://github.com/ORGANIZATION/REPOSITORY.git//modules/target?ref=VERSION"
  source = "../../modules/target"

  security_account_id = var.security_account_id
  external_id         = var.external_id
  organization_id     = var.organization_id
  rules               = var.rules
  tags                = var.tags
}
