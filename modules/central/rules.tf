module "settings" {
  source = "../_settings"

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
  schedule          = var.schedule
  partition         = local.partition
  regions           = local.regions
  home_region       = local.home_region
  encryption        = var.encryption
  name              = var.name

  deployment = {
    limits           = var.limits
    breaker          = var.breaker
    iam              = var.iam
    lambda           = var.lambda
    collector        = var.collector
    evidence         = var.evidence
    alarms           = var.alarms
    audit_trail      = var.audit_trail
    event_bus        = var.event_bus
    notifications    = var.notifications
    api_token_secret = var.api_token_secret
  }
}

locals {
  # The object inputs, checked and typed.
  inputs = module.settings.deployment

  vocabulary = jsondecode(file("${path.module}/../catalog.json"))

  # By name, so that a plan fails if an alarm names a metric that the functions do not publish.
  metric = { for name in keys(local.vocabulary.metrics) : name => name }

  catalog = module.settings.catalog

  rules_by_id  = module.settings.rules
  polled_rules = { for id, rule in local.rules_by_id : id => rule if contains(module.settings.polled, id) }
}
