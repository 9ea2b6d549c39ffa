# modules/central documents these inputs and passes them on unchanged.

variable "rules" {
  description = "The rules as the user wrote them, checked here so that misspelled attributes are reported; their types are in `typed/`."
  type        = any
  nullable    = false
}

variable "custom_rules" {
  description = "The custom rules as the user wrote them: checked in modules/_custom-rules."
  type        = any
  default     = {}
  nullable    = false
}

variable "accounts" {
  description = "Limits all rules to these accounts; empty: all accounts."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for item in var.accounts : item != null])
    error_message = "accounts contains null: expected account ids."
  }
}

variable "excluded_accounts" {
  description = "Accounts in which every rule is off."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for item in var.excluded_accounts : item != null])
    error_message = "excluded_accounts contains null: expected account ids."
  }
}

variable "account_groups" {
  description = "Accounts by group."
  type        = map(set(string))
  nullable    = false

  validation {
    condition     = alltrue([for ids in values(var.account_groups) : ids != null])
    error_message = "account_groups has ${join(", ", [for name, ids in var.account_groups : "\"${name}\" = null" if ids == null])}: expected a list of account ids, such as [\"111111111111\"] or []."
  }

  validation {
    condition     = alltrue([for ids in values(var.account_groups) : ids == null ? true : alltrue([for id in ids : id != null])])
    error_message = "account_groups has null in ${join(", ", [for name, ids in var.account_groups : "\"${name}\"" if ids == null ? false : anytrue([for id in ids : id == null])])}: expected account ids."
  }
}

variable "excluded_groups" {
  description = "Account groups in which every rule is off."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for item in var.excluded_groups : item != null])
    error_message = "excluded_groups contains null: expected names of groups."
  }
}

variable "mode_by_account" {
  description = "The highest mode of any rule in individual accounts."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for mode in values(var.mode_by_account) : mode != null])
    error_message = "mode_by_account has ${join(", ", [for name, mode in var.mode_by_account : "\"${name}\" = null" if mode == null])}: expected off, dry_run or enforce."
  }
}

variable "mode_by_group" {
  description = "The highest mode of any rule in the accounts of a group."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for mode in values(var.mode_by_group) : mode != null])
    error_message = "mode_by_group has ${join(", ", [for name, mode in var.mode_by_group : "\"${name}\" = null" if mode == null])}: expected off, dry_run or enforce."
  }
}

variable "new_accounts" {
  description = "The highest mode of any rule in accounts that joined recently, as the user wrote it: checked here, with its types in `typed/`."
  type        = any
}

variable "events" {
  description = "The outcomes that are published as events: changed or all."
  type        = string
  nullable    = false
}

variable "schedule" {
  description = "The schedule of rules without their own, as the user wrote it: checked here, with its types in `typed/`."
  type        = any
  nullable    = false
}

variable "partition" {
  description = "The partition, which determines the available runbooks."
  type        = string
  nullable    = false
}

variable "regions" {
  description = "The regions that are deployed."
  type        = list(string)
  nullable    = false
}

variable "home_region" {
  description = "The region of `central`, with the token, the topic, the buckets, and the table."
  type        = string
  nullable    = false
}

variable "encryption" {
  description = "The KMS keys by region, as the user wrote them: checked here, with their types in `typed/`."
  type        = any
  nullable    = false
}

variable "deployment" {
  description = "The other object inputs of `central` by name, as the user wrote them: checked here, with their types in `typed/`."
  type        = any
  default     = {}
  nullable    = false
}

variable "name" {
  description = "The prefix of every resource's name."
  type        = string
  nullable    = false
}
