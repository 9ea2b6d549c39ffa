locals {
  # Either the StackSet creates the accounts' roles, or a module block per account.
  by_stackset = length(var.organizational_units) > 0
}

# Once: the collector and everything central, in the security account's home region.
module "central" {
  # In your own repository:
  # source = "git::https://github.com/your-organization/cspm-auto-remediation.git//modules/central?ref=v0.2.0"
  source = "../../modules/central"

  netskope_tenant   = var.netskope_tenant
  api_token         = var.api_token
  organization_id   = var.organization_id
  regions           = local.regions # regions.tf.json
  region_labels     = var.region_labels
  rules             = var.rules
  account_groups    = var.account_groups
  mode_by_group     = var.mode_by_group
  excluded_accounts = var.excluded_accounts

  notifications    = { email_addresses = var.email_addresses }
  evidence         = { force_destroy = var.force_destroy }
  api_token_secret = { version = var.api_token_version, recovery_days = var.force_destroy ? 0 : 7 }
  tags             = var.tags

  # Polls start only when the queues and roles that they need exist.
  poll_after = concat(
    local.per_region[*].region, [module.security.role_arn], module.production[*].role_arn, module.staging[*].role_arn,
  )
}

# Once per region, in regions.tf.json: the remediator for that region's findings, in all accounts. Central sends jobs to the queues of
# all its regions, so each region needs this module.
check "every_region_has_its_module" {
  assert {
    condition     = toset(local.regions) == toset(local.per_region[*].region)
    error_message = "local.regions is [${join(", ", local.regions)}]: expected the regions of local.per_region, each once."
  }
}

# Once per account: the role for remediation.

# Here, the security account is a delegated administrator for StackSets. It gets its own role from a module block. The management
# account would, too, because StackSets do not reach it.
module "accounts" {
  count  = local.by_stackset ? 1 : 0
  source = "../../modules/target-stackset"

  security_account_id  = var.security_account_id
  organization_id      = var.organization_id
  organizational_units = var.organizational_units
  call_as              = "DELEGATED_ADMIN"
  rules                = keys(var.rules)
  cloudtrail_lookup    = true # So that a notification says who undid a fix that was made three times within a week.
  tags                 = var.tags
}

module "security" {
  source = "../../modules/target"

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  cloudtrail_lookup   = true
  tags                = var.tags
}

module "production" {
  count     = local.by_stackset ? 0 : 1
  source    = "../../modules/target"
  providers = { aws = aws.production }

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  cloudtrail_lookup   = true
  tags                = var.tags
}

module "staging" {
  count     = local.by_stackset ? 0 : 1
  source    = "../../modules/target"
  providers = { aws = aws.staging }

  security_account_id = var.security_account_id
  organization_id     = var.organization_id
  rules               = keys(var.rules)
  cloudtrail_lookup   = true
  tags                = var.tags
}
