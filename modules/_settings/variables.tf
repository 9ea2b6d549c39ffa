# What these mean is said in modules/central, which passes them on as they are.

variable "rules" {
  description = "The rules as they were given, checked here so that a misspelled word is a mistake; their types are in `typed/`."
  type        = any
  nullable    = false
}

variable "custom_rules" {
  description = "Custom rules as they were given: checked in modules/_custom-rules."
  type        = any
  default     = {}
  nullable    = false
}

variable "accounts" {
  description = "The only accounts that any rule is on for; empty: all."
  type        = set(string)
  nullable    = false
}

variable "excluded_accounts" {
  description = "Accounts that every rule is off for."
  type        = set(string)
  nullable    = false
}

variable "account_groups" {
  description = "Accounts by group."
  type        = map(set(string))
  nullable    = false
}

variable "excluded_groups" {
  description = "Account groups that every rule is off for."
  type        = set(string)
  nullable    = false
}

variable "mode_by_account" {
  description = "The most that any rule may do in single accounts."
  type        = map(string)
  nullable    = false
}

variable "mode_by_group" {
  description = "The most that any rule may do in the accounts of a group."
  type        = map(string)
  nullable    = false
}

variable "new_accounts" {
  description = "The most that any rule may do in accounts that joined recently, as it was given: checked here, with its types in typed/."
  type        = any
}

variable "events" {
  description = "Which outcomes are events: changed or all."
  type        = string
  nullable    = false
}

variable "schedule" {
  description = "The schedule of rules that have none of their own, as it was given: checked here, with its types in typed/."
  type        = any
  nullable    = false
}

variable "partition" {
  description = "The partition: it decides which runbooks there are."
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
  description = "The keys by region as they were given: checked here, with their types in typed/."
  type        = any
  nullable    = false
}

variable "deployment" {
  description = "The other inputs of `central` by name that are objects, as they were given: checked here, with their types in typed/."
  type        = any
  default     = {}
  nullable    = false
}

variable "name" {
  description = "The prefix of every resource's name."
  type        = string
  nullable    = false
}
