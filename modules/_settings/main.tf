# What `rules` and the accounts come to: checked, typed, and as the text that the remediators read. No resources.

locals {
  vocabulary = jsondecode(file("${path.module}/../catalog.json"))
  catalog    = local.vocabulary.rules

  # By everything that a key of `rules` may be, for what is said of a key as it was given.
  catalog_by_key = merge(local.catalog, { for id, rule in local.catalog : rule.legacy_id => rule })

  # As they were given; one with nothing in it has the defaults.
  given = { for id, rule in var.rules : id => merge({}, rule) }
  typed = module.typed.rules

  new_accounts = module.typed.new_accounts
  schedule     = module.typed.schedule

  # By id alone, for everything else.
  rules = merge(
    { for id, rule in local.typed : id => rule if contains(keys(local.catalog), id) },
    { for id, rule in local.catalog : id => local.typed[rule.legacy_id] if contains(keys(local.typed), rule.legacy_id) },
  )
}

module "typed" {
  source = "./typed"

  rules        = local.given
  encryption   = local.given_keys
  new_accounts = var.new_accounts
  schedule     = merge({}, var.schedule)
}
