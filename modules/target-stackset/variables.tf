# What `name`, `security_account_id`, `external_id`, `organization_id`, `rules` and the paths and names in `iam` may hold
# is checked where they are used: in modules/_target-policy.

variable "name" {
  description = "The same as in `central`."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false
}

variable "security_account_id" {
  description = "The account that the remediators run in: `security_account_id` of `central`."
  type        = string
  nullable    = false
}

variable "external_id" {
  description = "The external id that the remediators give: the same as in `central`. Null: `<name>-<security account id>`."
  type        = string
  default     = null
}

variable "organization_id" {
  description = "The AWS Organization's id, `o-…`: the roles then trust nobody outside it. Null: not asked for."
  type        = string
  default     = null
}

variable "rules" {
  description = "The rules that the roles may cure, by id or by legacy id (`CIS-1-2-0-4-1`): they hold what these need and nothing else. Null: all rules."
  type        = set(string)
  default     = null
}

variable "runbooks" {
  description = "Whether the rules may be cured by AWS's managed runbooks, too, where they have one: the roles may then start these documents, and there is a role that Systems Manager runs them by. Where no rule of `central` says `method = \"runbook\"`, it can be false."
  type        = bool
  default     = true
  nullable    = false
}

variable "undo" {
  description = "Whether the roles hold what only an undo needs, such as deleting a flow log that a rule made. Turn it on before you undo changes; where nobody does, it can stay off."
  type        = bool
  default     = false
  nullable    = false
}

variable "organizational_units" {
  description = "The organizational units, or the organization's root, whose accounts get the role, by id (`ou-…`, `r-…`), or by any key with an `id`; units beneath them are included. Of each, `excluded_accounts` are left out, or `accounts` are the only ones. Changing either list takes the unit's roles away and makes them anew, which takes minutes: where an account shall just not be cured for a while, change `mode_by_account` instead. The management account never gets the role this way: use `target` there."
  type = map(object({
    # The unit's id, where the key is not it: for a unit that the same apply makes.
    id = optional(string)
    # The only accounts of the unit that get the role. Empty: all.
    accounts = optional(set(string), [])
    # Accounts of the unit that don't get the role.
    excluded_accounts = optional(set(string), [])
  }))
  nullable = false

  validation {
    condition     = length(var.organizational_units) > 0
    error_message = "organizational_units is empty: expected at least one id, such as { \"ou-a1b2-c3d4e5f6\" = {} }."
  }

  validation {
    condition     = alltrue([for key, unit in var.organizational_units : can(regex("^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$", coalesce(unit.id, key)))])
    error_message = "organizational_units has ${join(", ", [for key, unit in var.organizational_units : "\"${coalesce(unit.id, key)}\"" if !can(regex("^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$", coalesce(unit.id, key)))])}: expected ids such as \"ou-a1b2-c3d4e5f6\", or the root's, \"r-a1b2\"."
  }

  validation {
    condition = alltrue(flatten([
      for unit in values(var.organizational_units) : [for account in setunion(unit.accounts, unit.excluded_accounts) : can(regex("^[0-9]{12}$", account))]
    ]))
    error_message = "${join("; ", flatten([
      for id, unit in var.organizational_units : [
        for account in setunion(unit.accounts, unit.excluded_accounts) : "organizational_units[\"${id}\"] names the account \"${account}\"" if !can(regex("^[0-9]{12}$", account))
      ]
    ]))}: expected an account id of twelve digits, in quotes."
  }

  validation {
    condition     = alltrue([for unit in values(var.organizational_units) : length(unit.accounts) == 0 || length(unit.excluded_accounts) == 0])
    error_message = "${join("; ", [for id, unit in var.organizational_units : "organizational_units[\"${id}\"] has accounts and excluded_accounts" if length(unit.accounts) > 0 && length(unit.excluded_accounts) > 0])}: expected one of the two."
  }
}

variable "auto_deployment" {
  description = "Whether accounts that join one of the units get the role, and those that leave lose it, without an apply. It is for the whole StackSet, so it can't be on where a unit names its `accounts`."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = !var.auto_deployment || alltrue([for unit in values(var.organizational_units) : length(unit.accounts) == 0])
    error_message = "auto_deployment is on, and ${join(", ", [for id, unit in var.organizational_units : "organizational_units[\"${id}\"]" if length(unit.accounts) > 0])} names the only accounts that shall have the role: an account that joins would get it, too. Set auto_deployment to false, or name excluded_accounts."
  }
}

variable "call_as" {
  description = "`SELF` in the management account, `DELEGATED_ADMIN` in an account that is a delegated administrator for CloudFormation StackSets (`member.org.stacksets.cloudformation.amazonaws.com`)."
  type        = string
  default     = "SELF"
  nullable    = false

  validation {
    condition     = contains(["SELF", "DELEGATED_ADMIN"], var.call_as)
    error_message = "call_as is \"${var.call_as}\": expected \"SELF\" (the management account) or \"DELEGATED_ADMIN\"."
  }
}

variable "operation" {
  description = "How a change goes through the accounts: `max_concurrent_percentage`, the share of accounts that are worked on side by side, and `failure_tolerance_percentage`, the share of accounts that may fail before the rest is left alone. A unit keeps those that it was added with: the provider can't change them."
  type = object({
    max_concurrent_percentage    = optional(number, 25)
    failure_tolerance_percentage = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.operation.max_concurrent_percentage >= 1 && var.operation.max_concurrent_percentage <= 100
    error_message = "operation.max_concurrent_percentage is ${var.operation.max_concurrent_percentage}: expected 1 to 100."
  }

  validation {
    condition     = var.operation.failure_tolerance_percentage >= 0 && var.operation.failure_tolerance_percentage <= 100
    error_message = "operation.failure_tolerance_percentage is ${var.operation.failure_tolerance_percentage}: expected 0 to 100."
  }
}

variable "iam" {
  description = "`path` of the roles (the same as `iam.target_role_path` in `central`), `permissions_boundary_name`, the name (with its path, if any) of a policy that is in each account, and `remediator_role_path`, the path of the remediators' roles in the security account (`iam.path` in `central`). `delivery_role_name`: a role of your own, with its path but no slash before it, that is passed for flow logs where `central` names it in the options of `vpc-flow-logs-disabled`; there is no `<name>-flow-logs` then."
  type = object({
    path                      = optional(string, "/")
    permissions_boundary_name = optional(string)
    remediator_role_path      = optional(string, "/")
    delivery_role_name        = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.iam.permissions_boundary_name == null || can(regex("^([\\w+=,.@-]+/)*[\\w+=,.@-]+$", var.iam.permissions_boundary_name))
    error_message = "iam.permissions_boundary_name is \"${coalesce(var.iam.permissions_boundary_name, "null")}\": expected a policy's name, not its ARN, such as \"boundary\" or \"security/boundary\"."
  }
}

variable "tags" {
  description = "Tags of the StackSet, and of the roles."
  type        = map(string)
  default     = {}
  nullable    = false
}
