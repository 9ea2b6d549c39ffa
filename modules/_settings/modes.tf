# Computes the mode of each rule in each account that any input names, so that a plan can show it. The remediators decide the
# same way in lambdas/model/account-modes.ts.

locals {
  named_accounts = toset(flatten([
    tolist(var.accounts), tolist(var.excluded_accounts), keys(var.mode_by_account), keys(local.new_until),
    [for ids in values(var.account_groups) : tolist(ids)],
    [for rule in values(local.rules) : concat(tolist(rule.accounts), tolist(rule.excluded_accounts), keys(rule.mode_by_account))],
  ]))

  groups_of = { for account in local.named_accounts : account => [for name, ids in var.account_groups : name if contains(ids, account)] }

  # The first setting that exists applies; for an account in several groups, the lowest.
  ceilings = {
    for account, groups in local.groups_of : account => try(
      var.mode_by_account[account],
      [for mode in local.modes : mode if contains([for group in groups : lookup(var.mode_by_group, group, "")], mode)][0],
      local.modes[length(local.modes) - 1],
    )
  }
  said = {
    for account, groups in local.groups_of : account => {
      for id, rule in local.rules : id => try(
        rule.mode_by_account[account],
        [for mode in local.modes : mode if contains([for group in groups : lookup(rule.mode_by_group, group, "")], mode)][0],
        rule.mode,
      )
    }
  }
  is_out = {
    for account, groups in local.groups_of : account => {
      for id, rule in local.rules : id => anytrue([
        for words in [rule, { accounts = var.accounts, excluded_accounts = var.excluded_accounts, excluded_groups = var.excluded_groups }] :
        length(words.accounts) > 0 && !contains(words.accounts, account) || contains(words.excluded_accounts, account) || length(setintersection(words.excluded_groups, groups)) > 0
      ])
    }
  }
  mode_of = {
    for account in local.named_accounts : account => {
      for id in keys(local.rules) : id => local.is_out[account][id] ? "off" : try([for mode in local.modes : mode if contains([local.said[account][id], local.ceilings[account]], mode)][0], "off")
    }
  }

  # Accounts that joined recently, and when their lowered modes end.
  joined = try(coalesce(local.new_accounts.joined, {}), {})
  new_until = {
    for account, at in local.joined : account => try(timeadd(at, "${local.new_accounts.days * 24}h"), at)
  }
  lowered = {
    for account, until in local.new_until : account => try(timecmp(until, plantimestamp()) > 0, false) ? "at most ${local.new_accounts.mode} until ${until}, then " : ""
  }

  # One line per account: `enforce`, or `dry_run: a, b; enforce: c` if rules differ.
  modes_by_account = {
    for account, mode_by_rule in local.mode_of : account => join("", [
      lookup(local.lowered, account, ""),
      length(distinct(values(mode_by_rule))) == 1 ? values(mode_by_rule)[0] : join("; ", [
        for mode in local.modes : "${mode}: ${join(", ", [for id, each in mode_by_rule : id if each == mode])}" if contains(values(mode_by_rule), mode)
      ]),
    ])
  }
}
