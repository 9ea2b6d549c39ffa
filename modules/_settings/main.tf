# Validates `rules` and the account inputs, applies types and defaults, and renders the settings that the remediators read.
# Creates no resources.

locals {
  vocabulary = jsondecode(file("${path.module}/../catalog.json"))
  catalog    = merge(local.vocabulary.rules, module.custom_rules.catalog)

  # By id and by legacy id, for messages that quote a key of `rules` as the user wrote it.
  catalog_by_key = merge(local.catalog, { for id, rule in local.catalog : rule.legacy_id => rule })

  # An empty rule gets the defaults.
  typed = module.typed.rules

  new_accounts = module.typed.new_accounts
  schedule     = module.typed.schedule

  # By id only, for everything else.
  rules = merge(
    { for id, rule in local.typed : id => rule if contains(keys(local.catalog), id) },
    { for id, rule in local.catalog : id => local.typed[rule.legacy_id] if id != rule.legacy_id && contains(keys(local.typed), rule.legacy_id) },
  )
}

# Library rules and custom rules.
module "custom_rules" {
  source = "../_custom-rules"

  custom_rules = var.custom_rules
  rules        = { for id, rule in module.typed.rules : id => rule.netskope_rule_names }
  refuse       = false
}

module "inputs" {
  source = "../_inputs"

  of     = "central"
  refuse = false # outputs.tf reports these together with all other mistakes
  given = merge(var.deployment, {
    rules        = var.rules
    encryption   = var.encryption
    new_accounts = var.new_accounts
    schedule     = var.schedule
  })
}

module "typed" {
  source = "./typed"

  rules            = module.inputs.clean.rules
  encryption       = module.inputs.clean.encryption
  new_accounts     = module.inputs.clean.new_accounts
  schedule         = module.inputs.clean.schedule
  limits           = lookup(module.inputs.clean, "limits", null)
  breaker          = lookup(module.inputs.clean, "breaker", null)
  iam              = lookup(module.inputs.clean, "iam", null)
  lambda           = lookup(module.inputs.clean, "lambda", null)
  collector        = lookup(module.inputs.clean, "collector", null)
  evidence         = lookup(module.inputs.clean, "evidence", null)
  alarms           = lookup(module.inputs.clean, "alarms", null)
  audit_trail      = lookup(module.inputs.clean, "audit_trail", null)
  event_bus        = lookup(module.inputs.clean, "event_bus", null)
  notifications    = lookup(module.inputs.clean, "notifications", null)
  api_token_secret = lookup(module.inputs.clean, "api_token_secret", null)
  home_region      = var.home_region
}
