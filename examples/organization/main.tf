locals {
  # Each has a module block below and, but for the home region, a provider of its own.
  home_region = "eu-central-1"
  regions     = [local.home_region, "us-east-1", "us-west-2"]

  # Either the StackSet gives the accounts their role, or a module block each.
  by_stackset = length(var.organizational_units) > 0
}

# Once: what asks Netskope, in the security account's home region.
module "central" {
  # In a repository of your own:
  # source = "git::https://github.com/ORGANIZATION/REPOSITORY.git//modules/central?ref=VERSION"
  source = "../../modules/central"

  netskope_tenant   = var.netskope_tenant
  api_token         = var.api_token
  organization_id   = var.organization_id
  regions           = local.regions
  region_labels     = var.region_labels
  rules             = var.rules
  excluded_accounts = var.excluded_accounts

  notifications    = { email_addresses = var.email_addresses }
  evidence         = { force_destroy = var.force_destroy }
  api_token_secret = { version = var.api_token_version, recovery_days = var.force_destroy ? 0 : 7 }
  tags             = var.tags

  # No poll comes before the queues and roles that it needs.
  poll_after = concat(
    [module.eu_central_1.region, module.us_east_1.region, module.us_west_2.region],
    [module.security.role_arn], module.production[*].role_arn, module.staging[*].role_arn,
  )
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

module "us_west_2" {
  source    = "../../modules/per-region"
  providers = { aws = aws.us_west_2 }

  link = module.central.link
}

# Central sends jobs to the queues of these regions, so each must have one.
check "every_region_has_its_module" {
  assert {
    condition = toset(local.regions) == toset([
      module.eu_central_1.region, module.us_east_1.region, module.us_west_2.region,
    ])
    error_message = "local.regions is [${join(", ", local.regions)}]: expected the regions of the module blocks, each once."
  }
}

# Once an account: the role that lets it be cured.

# The security account is a delegated administrator for StackSets here. Its own role it gets as the management account
# would, which no StackSet reaches: by a module block.
module "accounts" {
  count  = local.by_stackset ? 1 : 0
  source = "../../modules/target-stackset"

  security_account_id  = var.security_account_id
  organization_id      = var.organization_id
  organizational_units = var.organizational_units
  call_as              = "DELEGATED_ADMIN"
  rules                = keys(var.rules)
  tags                 = var.tags
}

module "security" {
  source = "../../modules/target"

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  tags                = var.tags
}

module "production" {
  count     = local.by_stackset ? 0 : 1
  source    = "../../modules/target"
  providers = { aws = aws.production }

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  tags                = var.tags
}

module "staging" {
  count     = local.by_stackset ? 0 : 1
  source    = "../../modules/target"
  providers = { aws = aws.staging }

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  tags                = var.tags
}
