output "rules" {
  description = "The rules by id, with types and defaults."
  value       = local.rules

  # A precondition, because a variable's validation that used these locals would be a cycle, and to report all mistakes at once.
  precondition {
    condition     = length(local.mistakes) == 0
    error_message = "${length(local.mistakes)} to correct:\n- ${join("\n- ", local.mistakes)}"
  }
}

output "polled" {
  description = "The ids of the rules that are polled: those that are not off in all accounts. The accounts may be unknown before an apply."
  value = toset([
    for id, rule in local.rules : id
    if length(setsubtract(concat([rule.mode], values(rule.mode_by_account), values(rule.mode_by_group)), ["off"])) > 0
  ])
}

output "poll_minutes" {
  description = "The minutes between two polls of each rule; 0: a cron expression."
  value       = local.poll_minutes
}

output "rule_settings" {
  description = "Each rule's settings, as the remediators read them: JSON."
  value = {
    for id, rule in local.rules : id => jsonencode(merge(
      { for of, window in local.maintenance_windows : "maintenance_window" => window if of == id },
      { for definition in [try(local.catalog[id].definition, null)] : "definition" => definition if definition != null },
      {
        version           = 2
        rule              = id
        mode              = rule.mode
        mode_by_account   = rule.mode_by_account
        mode_by_group     = rule.mode_by_group
        accounts          = sort(rule.accounts)
        excluded_accounts = sort(rule.excluded_accounts)
        excluded_groups   = sort(rule.excluded_groups)
        # A custom rule with a runbook has no other method.
        method       = can(local.catalog[id].definition.runbook) ? "runbook" : rule.method
        runbook_then = can(local.catalog[id].definition.runbook) ? "report" : rule.runbook_then
        poll_minutes = local.poll_minutes[id]
        limits       = { for word, number in module.typed.limits : word => coalesce(rule.limits[word], number) }
        breaker      = { for word, number in module.typed.breaker : word => coalesce(rule.breaker[word], number) }
        exemptions   = [for exemption in rule.exemptions : { for word, value in exemption : word => value if value != null }]
        options = merge(
          can(local.catalog[id].options.properties.delivery_role_name) ? { delivery_role_name = "${trimprefix(module.typed.iam.target_role_path, "/")}${var.name}-flow-logs" } : {},
          { for option, value in rule.options : option => value if value != null },
        )
      },
    ))
  }
}

output "rule_limits" {
  description = "The limit of each rule over all accounts, by id."
  value       = { for id, rule in local.rules : id => coalesce(rule.limits.per_rule_per_hour, module.typed.limits.per_rule_per_hour) }
}

output "account_settings" {
  description = "The settings for all rules, as the remediators read them: JSON."
  value = jsonencode(merge(
    {
      version           = 2
      groups            = { for name, ids in var.account_groups : name => sort(ids) }
      accounts          = sort(var.accounts)
      excluded_accounts = sort(var.excluded_accounts)
      excluded_groups   = sort(var.excluded_groups)
      mode_by_account   = var.mode_by_account
      mode_by_group     = var.mode_by_group
    },
    { for _ in local.new_accounts == null ? [] : [true] : "new_accounts" => {
      mode  = local.new_accounts.mode
      until = local.new_until
    } },
    { for ids in [[for id in keys(local.rules) : id if can(local.catalog[id].definition)]] : "declared_rules" => ids if length(ids) > 0 },
    { for days in [module.typed.notifications.deferred_days] : "deferred_days" => days if days != 14 },
    { for events in var.events == "changed" ? [] : [var.events] : "events" => events },
  ))
}

output "modes_by_account" {
  description = "The mode of each rule in each account that any input names, in words."
  value       = local.modes_by_account
}

output "keys" {
  description = "The KMS key for each use, by region; null: an AWS managed key."
  value       = local.keys
}

output "schedule" {
  description = "The schedule, with types and defaults."
  value       = local.schedule
}

output "structure" {
  description = "The mistakes that are known at every plan."
  value       = concat(module.inputs.structure, module.custom_rules.structure)
}

output "catalog" {
  description = "The catalog's facts of each rule by id, including library and custom rules."
  value       = local.catalog
}

output "deployment" {
  description = "The inputs of `deployment`, with types and defaults."
  value = {
    iam              = module.typed.iam
    lambda           = module.typed.lambda
    collector        = module.typed.collector
    evidence         = module.typed.evidence
    alarms           = module.typed.alarms
    audit_trail      = module.typed.audit_trail
    event_bus        = module.typed.event_bus
    notifications    = module.typed.notifications
    api_token_secret = module.typed.api_token_secret
  }
}
