# The sources of findings: their part of the collector's environment and permissions, and the input of each poll.
locals {
  netskope_url = endswith(var.netskope_tenant, ".goskope.com") ? "https://${var.netskope_tenant}" : "https://${var.netskope_tenant}.goskope.com"

  source_environment = {
    NETSKOPE_URL              = local.netskope_url
    NETSKOPE_TOKEN_SECRET_ARN = local.token_secret_arn
  }

  source_statements = concat(
    [{
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [local.token_secret_arn]
    }],
    local.key_statements.secret,
  )

  # By rule: the schedule's input for the collector, in addition to the rule and the time.
  poll_inputs = { for id, rule in local.polled_rules : id => merge(
    { netskope_rule_names = rule.netskope_rule_names },
    # The collector's code does not know library and custom rules.
    { for known in [local.catalog[id]] : "netskope_rule_names" => distinct(concat(known.netskope_rule_names, rule.netskope_rule_names)) if can(known.definition) },
    { for definition in [try(local.catalog[id].definition, null)] : "definition" => definition if definition != null },
  ) }
}
