# What `name`, `security_account_id`, `external_id`, `organization_id`, `rules` and the paths and names in `iam` may hold
# is checked where they are used: in modules/_target-policy.

variable "name" {
  description = "The prefix of the roles' names, the same as in `central`."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false
}

variable "security_account_id" {
  description = "The account that the remediators run in: the output `security_account_id` of `central`."
  type        = string
  nullable    = false
}

variable "external_id" {
  description = "The external id that the remediators give when they assume a target role, the same in `central` and `target`; null: `<name>-<security account id>`."
  type        = string
  default     = null
}

variable "organization_id" {
  description = "The AWS Organization's id, `o-…`: the roles trust nobody outside it; null: no such condition."
  type        = string
  default     = null
}

variable "rules" {
  description = "The rules that the roles may remediate, by id or legacy id (`CIS-1-2-0-4-1`): they hold the permissions of these and no others; null: all rules."
  type        = set(string)
  default     = null
}

variable "runbooks" {
  description = "Whether the roles may start AWS's managed runbooks of these rules, with a role that Systems Manager runs them by; `false` where no rule of `central` has `method = \"runbook\"`."
  type        = bool
  default     = true
  nullable    = false
}

variable "undo" {
  description = "Whether the roles hold the permissions that only an undo needs, such as deleting a flow log that a rule created; set it to `true` before you undo changes."
  type        = bool
  default     = false
  nullable    = false
}

variable "organizational_units" {
  description = "The organizational units (`ou-…`) or root (`r-…`) whose accounts get the role, units beneath them included, by id or by any key with an `id`; the management account needs `target` instead."
  type = map(object({
    # The unit's id, where the key is not it: for a unit that the same apply makes.
    id = optional(string)
    # The only accounts of the unit that get the role. Empty: all. A change takes the unit's roles away and makes them anew, which takes minutes: to pause an account, lower its mode in `central` instead.
    accounts = optional(set(string), [])
    # Accounts of the unit that don't get the role. A change makes the unit's roles anew, too.
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
  description = "Whether accounts that join one of the units get the role, and those that leave lose it, without an apply; it must be `false` where a unit names its `accounts`."
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
  description = "How a change of the StackSet goes through the accounts; a unit keeps the values that it was added with, because the provider can't change them."
  type = object({
    # The percentage of accounts that are changed at the same time, 1 to 100.
    max_concurrent_percentage = optional(number, 25)
    # The percentage of accounts that may fail before the operation stops, 0 to 100.
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
  description = "Settings of the roles in the accounts."
  type = object({
    # The path of the roles: the same as `iam.target_role_path` in `central`.
    path = optional(string, "/")
    # The name, with its path if any, of a policy in each account that is the roles' permissions boundary. Null: none.
    permissions_boundary_name = optional(string)
    # The path of the remediators' roles in the security account: `iam.path` in `central`.
    remediator_role_path = optional(string, "/")
    # A role of your own, with its path but no slash before it, that is passed for flow logs where `central` names it in the options of `vpc-flow-logs-disabled`. Null: `<name>-flow-logs` is created.
    delivery_role_name = optional(string)
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
