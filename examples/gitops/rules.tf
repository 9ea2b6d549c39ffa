# What is cured, where and with which exemptions, stands in rules.yaml: who wants a change opens a pull request, whose
# plan shows what it does, and whoever owns the file approves it. Mistakes fail at plan.
locals {
  # Terraform reads YAML 1.1, to which the mode `off` is the opposite of true.
  rules_text = replace(file("${path.module}/rules.yaml"), "/(?m): +off( *| +#.*)$/", ": \"off\"$1")

  # A rule with nothing below it has the defaults.
  rules = { for id, rule in yamldecode(local.rules_text) : id => merge({}, rule) }
}

# Most mistakes are found by the module. It never sees these: Terraform drops from an object what its type does not name,
# and YAML takes the last of two entries, so that a misspelt `excluded_accounts` would exclude nobody.
locals {
  words = {
    rule = [
      "mode", "mode_by_account", "method", "runbook_then", "accounts", "excluded_accounts", "schedule",
      "netskope_rule_names", "maintenance_window", "exemptions", "options",
    ]
    maintenance_window = ["days", "start", "end"]
    exemptions         = ["account", "region", "resource", "reason", "owner", "expires"]
    options            = flatten([for text in values(module.cspm_auto_remediation.settings.rules) : keys(jsondecode(text).options)])
  }

  found = flatten([
    for id, rule in local.rules : concat(
      [{
        at    = "${id}: "
        words = keys(rule)
        known = local.words.rule
      }],
      [{
        at    = "${id}: maintenance_window."
        words = keys(merge({}, try(rule.maintenance_window, {})))
        known = local.words.maintenance_window
      }],
      [
        for index, exemption in flatten([try(rule.exemptions, [])]) :
        {
          at    = "${id}: exemptions[${index}]."
          words = try(keys(exemption), [])
          known = local.words.exemptions
        }
      ],
      [{
        at    = "${id}: options."
        words = [for option, value in merge({}, try(rule.options, {})) : option if value != null]
        known = local.words.options
      }],
    )
  ])
  entries = flatten(regexall("(?m)^[\"']?([A-Za-z0-9-]+)[\"']?[ \t]*:", local.rules_text))

  mistakes = concat(
    flatten([for object in local.found : [for word in setsubtract(object.words, object.known) : "\"${object.at}${word}\" is unknown"]]),
    [for id in distinct(local.entries) : "\"${id}\" has two entries" if length([for entry in local.entries : entry if entry == id]) > 1],
  )
}
