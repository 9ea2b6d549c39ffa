locals {
  # The accounts in which the remediators can assume roles, if the settings limit every rule to named accounts. Null: any
  # account that trusts them, or if no rule is on. The remediators check the settings before they assume a role; this also
  # limits their own role.
  named_by_rule = {
    for id, rule in local.rules_by_id : id => (
      length(var.accounts) > 0 && length(rule.accounts) > 0 ? setintersection(var.accounts, rule.accounts) :
      length(var.accounts) > 0 ? var.accounts :
      length(rule.accounts) > 0 ? rule.accounts :
      rule.mode == "off" ? toset(concat(keys(rule.mode_by_account), flatten([for group in keys(rule.mode_by_group) : tolist(lookup(var.account_groups, group, []))]))) : null
    )
  }
  is_closed = alltrue([for accounts in local.named_by_rule : accounts != null]) && length(local.polled_rules) > 0
  closed_accounts = local.is_closed ? sort(setsubtract(
    toset(flatten([for id, accounts in local.named_by_rule : concat(tolist(coalesce(accounts, [])), tolist(local.rules_by_id[id].excluded_accounts))])),
    var.excluded_accounts,
  )) : null
}
