# Rules, modes, and exemptions are in rules.yaml. To change them, open a pull request: its plan shows the effect, and the owners of the
# file approve it. Mistakes fail the plan.
locals {
  # Terraform reads YAML 1.1, in which the mode `off` means false.
  rules_text = replace(file("${path.module}/rules.yaml"), "/(?m): +off( *| +#.*)$/", ": \"off\"$1")

  # A rule without attributes has the defaults.
  rules = { for id, rule in yamldecode(local.rules_text) : id => merge({}, rule) }
}

# The module finds every mistake except this one: if a rule has two entries, YAML takes the last one.
locals {
  entries = flatten(regexall("(?m)^[\"']?([A-Za-z0-9-]+)[\"']?[ \t]*:", local.rules_text))

  mistakes = [for id in distinct(local.entries) : "\"${id}\" has two entries" if length([for entry in local.entries : entry if entry == id]) > 1]
}
