# modules/_target-policy validates `name`, `security_account_id`, `external_id`, `organization_id`, `rules`, and the paths and
# names in `iam`.
#
# Object inputs have the type `any` here, because Terraform silently ignores attributes that a type does not name. modules/_inputs
# checks their attributes and kinds of values; typed/ contains their types and validations.

variable "name" {
  description = "The prefix of the role's name, the same as in `central`."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false
}

variable "security_account_id" {
  description = "The account in which the remediators run: the output `security_account_id` of `central`."
  type        = string
  nullable    = false
}

variable "external_id" {
  description = "The external id that the remediators use when they assume a target role, the same in `central` and `target`; null: `<name>-<security account id>`."
  type        = string
  default     = null
}

variable "organization_id" {
  description = "The AWS organization's id, `o-…`: the role trusts nobody outside of it; null: no such condition."
  type        = string
  default     = null
}

variable "rules" {
  description = "The rules that the role may remediate, by id or legacy id (`CIS-1-2-0-4-1`): it has the permissions of these and no others; null: all built-in rules and all of `custom_rules`, but no library rules."
  type        = set(string)
  default     = null
}

variable "custom_rules" {
  description = "Custom rules, the same map as in `central`: each has its own managed policy."
  type        = any
  default     = {}
  nullable    = false
}

variable "runbooks" {
  description = "Whether built-in rules may use AWS managed runbooks; `false` if no rule of `central` has `method = \"runbook\"` (custom and library rules that consist of a runbook can always use it)."
  type        = bool
  default     = true
  nullable    = false
}

variable "undo" {
  description = "Whether the role has the permissions that only an undo needs, such as deleting a flow log that a rule created; most fixes can be undone without them."
  type        = bool
  default     = false
  nullable    = false
}

variable "cloudtrail_lookup" {
  description = "Whether the role may look up in CloudTrail who undid a fix that was made three times within seven days (`cloudtrail:LookupEvents`)."
  type        = bool
  default     = false
  nullable    = false
}

variable "iam" {
  description = "Settings of the role in this account."
  type        = any
  default     = {}
  nullable    = false
}

variable "tags" {
  description = "Tags for all resources."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 50 && length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags)
    error_message = "tags has ${length(var.tags)} tags: expected at most 50, with keys that differ in more than case, because IAM ignores case."
  }

  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && !startswith(lower(key), "aws:")])
    error_message = "tags has the keys ${join(", ", [for key in keys(var.tags) : "\"${substr(key, 0, 60)}\"" if !can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) || startswith(lower(key), "aws:")])}: expected 1 to 128 letters, digits, spaces and characters of _.:/=+@-, not beginning with \"aws:\"."
  }

  validation {
    condition     = alltrue([for value in values(var.tags) : value == null ? false : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))])
    error_message = "tags has ${join(", ", [for key, value in var.tags : "\"${key}\" = ${substr(jsonencode(value), 0, 60)}" if value == null ? true : !can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))])}: expected values of at most 256 letters, digits, spaces and characters of _.:/=+@-"
  }
}
