# Validates custom rules, and converts them and the library rules to the catalog's format. Creates no resources.

module "inputs" {
  source = "../_inputs"

  of     = "custom-rules"
  refuse = false # the caller reports these together with all other mistakes
  given  = { custom_rules = var.custom_rules }
}

module "typed" {
  source = "./typed"

  custom_rules = module.inputs.clean.custom_rules
}

locals {
  vocabulary = jsondecode(file("${path.module}/../catalog.json"))
  library    = local.vocabulary.library
  declared   = module.typed.custom_rules

  # Values of any type, which `_inputs` passes on as JSON.
  states = { for id, rule in local.declared : id => {
    for word in ["violates", "set", "defaults", "ready"] : word => try({ for pointer, value in jsondecode(rule.desired_state[word]) : pointer => value }, {})
  } if rule.desired_state != null }

  runs = { for id, rule in local.declared : id => merge(
    { run = {
      document   = rule.runbook.document
      version    = rule.runbook.version
      parameters = try({ for name, values in jsondecode(rule.runbook.parameters) : name => [for value in values : tostring(value)] }, {})
    } },
    { for arn in [rule.runbook.resource_arn] : "resource_arn" => arn if arn != null },
    { for undo in [try(jsondecode(rule.runbook.undo), null)] : "undo" => {
      document   = try(tostring(undo.document), "")
      version    = try(tostring(undo.version), "$DEFAULT")
      parameters = try({ for name, values in undo.parameters : name => [for value in values : tostring(value)] }, {})
    } if undo != null },
  ) if rule.runbook != null }

  # The statements as the user wrote them, with the catalog's placeholders.
  given = { for id, rule in local.declared : id => {
    for kind in ["read", "write", "undo", "automation"] : kind => [
      for statement in try(tolist([for each in jsondecode(replace(replace(replace(coalesce(rule.permissions[kind], kind == "undo" ? coalesce(rule.permissions.write, "[]") : "[]"), "{{partition}}", "$${partition}"), "{{region}}", "$${region}"), "{{account}}", "$${account}")) : jsonencode(each)]), []) : jsondecode(statement)
    ]
  } }
  statements = { for id, kinds in local.given : id => {
    for kind, statements in kinds : kind => [
      for statement in statements : merge(
        { actions = try([for action in statement.actions : tostring(action)], []), resources = try([for resource in statement.resources : tostring(resource)], []) },
        { for conditions in [try(statement.conditions, null)] : "conditions" => conditions if conditions != null },
      )
    ]
  } }

  # Tables of resource types and IAM actions, one line for each.
  type_names = toset([for rule in values(local.declared) : rule.desired_state.resource_type if try(can(regex("^[A-Za-z0-9]+(::[A-Za-z0-9]+){2}$", rule.desired_state.resource_type)), false)])
  type_table = file("${path.module}/resource-types.jsonl")
  type_date  = jsondecode(regex("^.*", local.type_table)).date
  types      = { for name in local.type_names : name => jsondecode(regex("(?m)^\\{\"type\":\"${name}\",.*$", local.type_table)) if can(regex("(?m)^\\{\"type\":\"${name}\",", local.type_table)) }

  named_actions = toset(flatten([for kinds in values(local.statements) : [for statements in values(kinds) : [for statement in statements : statement.actions]]]))
  services      = toset([for action in local.named_actions : split(":", action)[0] if can(regex("^[a-z0-9-]+:[A-Za-z0-9]+$", action))])
  action_table  = file("${path.module}/iam-actions.jsonl")
  actions       = { for service in local.services : service => jsondecode(regex("(?m)^\\{\"service\":\"${service}\",.*$", local.action_table)) if can(regex("(?m)^\\{\"service\":\"${service}\",", local.action_table)) }
}
