# One account and one region, which is the home region. For more of either, write the three module blocks yourself:
# examples/organization shows how.

# The inputs that this root module reads itself; the modules validate them.
module "inputs" {
  source = "./modules/_inputs"

  of     = "root"
  refuse = false
  given  = { rules = var.rules, iam = var.iam, alarms = var.alarms }
}

locals {
  # The inputs of `target`, passed on only after `central` has validated them; otherwise, both would report the same mistakes.
  rules = [for _ in [module.central.settings] : module.inputs.clean.rules][0]
  iam   = [for _ in [module.central.settings] : merge({}, module.inputs.clean.iam)][0]

  custom_rules = [for _ in [module.central.settings] : var.custom_rules][0]
  tags         = [for _ in [module.central.settings] : var.tags][0]

  # Whether an option is set, not its value, which may be unknown before the apply.
  names_delivery_role = contains(flatten([
    for rule in values(local.rules) : [for word, options in rule : keys(merge({}, options)) if word == "options"]
  ]), "delivery_role_name")
}

module "central" {
  source = "./modules/central"

  name              = var.name
  netskope_tenant   = var.netskope_tenant
  adopt             = var.adopt
  api_token         = var.api_token
  api_token_secret  = var.api_token_secret
  rules             = var.rules
  custom_rules      = var.custom_rules
  accounts          = var.accounts
  excluded_accounts = var.excluded_accounts
  account_groups    = var.account_groups
  excluded_groups   = var.excluded_groups
  mode_by_account   = var.mode_by_account
  mode_by_group     = var.mode_by_group
  new_accounts      = var.new_accounts
  events            = var.events
  region_labels     = var.region_labels
  organization_id   = var.organization_id
  schedule          = var.schedule
  limits            = var.limits
  breaker           = var.breaker
  external_id       = var.external_id
  iam               = var.iam
  lambda            = var.lambda
  collector         = var.collector
  evidence          = var.evidence
  encryption        = var.encryption
  audit_trail       = var.audit_trail
  event_bus         = var.event_bus
  alarms            = { for word, value in merge({}, module.inputs.clean.alarms) : word => value if !contains(["forward", "oldest_job_minutes"], word) }
  notifications     = var.notifications
  dashboard         = var.dashboard
  tags              = var.tags

  # Polls start only when the resources that process their findings exist.
  poll_after = concat([module.region.region], module.target[*].role_arn)
}

module "region" {
  source = "./modules/per-region"

  link       = module.central.link
  remediator = var.remediator
  queue      = var.queue
  alarms     = var.alarms
}

module "target" {
  count  = var.protect_own_account ? 1 : 0
  source = "./modules/target"

  name                = var.name
  security_account_id = module.central.security_account_id
  external_id         = module.central.external_id
  organization_id     = var.organization_id
  rules               = keys(local.rules)
  custom_rules        = local.custom_rules
  runbooks            = anytrue([for rule in values(local.rules) : lookup(rule, "method", null) == "runbook"])
  undo                = var.undo
  cloudtrail_lookup   = var.cloudtrail_lookup
  tags                = local.tags

  iam = {
    path                     = lookup(local.iam, "target_role_path", null)
    permissions_boundary_arn = lookup(local.iam, "permissions_boundary_arn", null)
    remediator_role_path     = lookup(local.iam, "path", null)
    delivery_role_name       = local.names_delivery_role ? one(distinct(compact([for rule in values(local.rules) : try(rule.options.delivery_role_name, "")]))) : null
    create_delivery_role     = !local.names_delivery_role
  }
}
