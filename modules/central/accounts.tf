locals {
  # The accounts that the remediators may work in, where the settings name all of them: each rule is off but for accounts
  # that it names. Null: any account that trusts them, or none is on. The remediators look at the settings before they
  # assume a role; this binds their role, too.
  is_closed = (
    alltrue([for modes in local.modes_of_rule : modes.mode == "off"]) &&
    anytrue(flatten([for modes in local.modes_of_rule : [for mode in values(modes.mode_by_account) : mode != "off"]]))
  )
  closed_accounts = local.is_closed ? sort(setsubtract(
    toset(flatten([for modes in local.modes_of_rule : keys(modes.mode_by_account)])),
    var.excluded_accounts,
  )) : null
}
