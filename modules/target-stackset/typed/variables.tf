variable "organizational_units" {
  description = "The organizational units (`ou-…`) or root (`r-…`) whose accounts get the role, including the units beneath them, by id or by any key with an `id`; the management account needs `target` instead."
  type = map(object({
    # The unit's id, if it is not the key, for a unit that the same apply creates.
    id = optional(string)
    # Limits the role to these accounts of the unit. Empty: all. A change deletes and recreates the unit's roles, which takes minutes: to pause an account, lower its mode in `central` instead.
    accounts = optional(set(string), [])
    # Accounts of the unit that do not get the role. A change recreates the unit's roles, too.
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
    condition     = length(distinct([for key, unit in var.organizational_units : coalesce(unit.id, key)])) == length(var.organizational_units)
    error_message = "organizational_units has ${join(", ", [for key, unit in var.organizational_units : "\"${key}\" = ${coalesce(unit.id, key)}"])}: expected each id once."
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

variable "operation" {
  description = "How changes of the StackSet are rolled out to accounts; a unit keeps the values with which it was added, because the provider cannot change them."
  type = object({
    # The percentage of accounts that are changed at the same time, 1 to 100.
    max_concurrent_percentage = optional(number, 25)
    # The percentage of accounts that may fail before the operation stops, 0 to 100.
    failure_tolerance_percentage = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.operation.max_concurrent_percentage >= 1 && var.operation.max_concurrent_percentage <= 100 && floor(var.operation.max_concurrent_percentage) == var.operation.max_concurrent_percentage
    error_message = "operation.max_concurrent_percentage is ${var.operation.max_concurrent_percentage}: expected a whole number, 1 to 100."
  }

  validation {
    condition     = var.operation.failure_tolerance_percentage >= 0 && var.operation.failure_tolerance_percentage <= 100 && floor(var.operation.failure_tolerance_percentage) == var.operation.failure_tolerance_percentage
    error_message = "operation.failure_tolerance_percentage is ${var.operation.failure_tolerance_percentage}: expected a whole number, 0 to 100."
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
    # Your own role for flow logs, with its path but without a leading slash; `central` must name it in the options of `vpc-flow-logs-disabled`, too. Null: `<name>-flow-logs` is created.
    delivery_role_name = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.iam.permissions_boundary_name == null || can(regex("^([\\w+=,.@-]+/)*[\\w+=,.@-]+$", var.iam.permissions_boundary_name))
    error_message = "iam.permissions_boundary_name is \"${coalesce(var.iam.permissions_boundary_name, "null")}\": expected a policy's name, not its ARN, such as \"boundary\" or \"security/boundary\"."
  }
}
