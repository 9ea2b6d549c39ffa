# What is remediated, where and with which exemptions, stands in rules.yaml: who wants a change opens a pull request, whose
# plan shows what it does, and the owners of the file approve it. Mistakes fail at plan.
locals {
  # Terraform reads YAML 1.1, to which the mode `off` is the opposite of true.
  rules_text = replace(file("${path.module}/rules.yaml"), "/(?m): +off( *| +#.*)$/", ": \"off\"$1")

  # A rule with nothing below it has the defaults.
  rules = { for id, rule in yamldecode(local.rules_text) : id => merge({}, rule) }
}

# Every mistake is found by the module but this one: of two entries for a rule, YAML takes the last.
locals {
  entries = flatten(regexall("(?m)^[\"']?([A-Za-z0-9-]+)[\"']?[ \t]*:", local.rules_text))

  mistakes = [for id in distinct(local.entries) : "\"${id}\" has two entries" if length([for entry in local.entries : entry if entry == id]) > 1]
}
