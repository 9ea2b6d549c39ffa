# Once: what asks Netskope, in the security account's home region.
module "central" {
  # In a repository of your own:
  # source = "git::https://github.com/ORGANIZATION/REPOSITORY.git//modules/central?ref=VERSION"
  source = "../../modules/central"

  netskope_tenant = var.netskope_tenant
  api_token       = var.api_token
  regions         = ["eu-central-1", "us-east-1"]
  rules           = var.rules

  evidence                = { force_destroy = var.force_destroy }
  api_token_recovery_days = var.force_destroy ? 0 : 7
  tags                    = var.tags
}

# Once a region: what cures that region's findings, in all accounts.

module "eu_central_1" {
  source = "../../modules/per-region"

  link = module.central.link
}

module "us_east_1" {
  source    = "../../modules/per-region"
  providers = { aws = aws.us_east_1 }

  link = module.central.link
}

# Once an account: the role that lets it be cured.

module "security" {
  source = "../../modules/target"

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  tags                = var.tags
}

module "production" {
  source    = "../../modules/target"
  providers = { aws = aws.production }

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  tags                = var.tags
}

module "staging" {
  source    = "../../modules/target"
  providers = { aws = aws.staging }

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  tags                = var.tags
}
