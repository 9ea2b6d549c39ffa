variable "name" {
  description = "The same as in `central`."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", var.name)) && length(var.name) <= 32
    error_message = "name is \"${var.name}\": expected at most 32 lowercase letters, digits and hyphens, beginning with a letter and ending without a hyphen, as in central."
  }
}

variable "security_account_id" {
  description = "The account in which the remediators run: `security_account_id` of `central`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.security_account_id))
    error_message = "security_account_id is \"${var.security_account_id}\": expected an account id of twelve digits, in quotes."
  }
}

variable "external_id" {
  description = "The external id that the remediators use: the same as in `central`; null: `<name>-<security account id>`."
  type        = string
  default     = null

  validation {
    condition     = var.external_id == null ? true : can(regex("^[\\w+=,.@:/-]{2,}$", var.external_id)) && length(var.external_id) <= 1224
    error_message = "external_id is \"${coalesce(var.external_id, "null")}\": expected 2 to 1224 letters, digits and characters of _+=,.@:/-"
  }
}

variable "organization_id" {
  description = "The AWS organization's id, `o-…`: the role then trusts nobody outside of it; null: no such condition."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id is \"${coalesce(var.organization_id, "null")}\": expected an id such as \"o-a1b2c3d4e5\"."
  }
}

variable "rules" {
  description = "The rules that the role may remediate, by id or legacy id: it has only the permissions that these need; null: all rules."
  type        = set(string)
  default     = null

  validation {
    condition     = alltrue([for key in coalesce(var.rules, []) : key != null])
    error_message = "rules contains null: expected ids of rules."
  }

  validation {
    condition     = length(setsubtract(compact(coalesce(var.rules, [])), flatten([for id, rule in local.catalog : [id, rule.legacy_id]]))) == 0
    error_message = "Unknown rule ${substr(join(", ", [for key in setsubtract(compact(coalesce(var.rules, [])), flatten([for id, rule in local.catalog : [id, rule.legacy_id]])) : "\"${key}\""]), 0, 120)}: expected one of docs/rules.md, by id or legacy id, such as security-group-ssh-open or CIS-1-2-0-4-1."
  }

  validation {
    condition     = alltrue([for id, rule in local.catalog : length(setintersection(coalesce(var.rules, []), [id, rule.legacy_id])) < 2])
    error_message = "rules contains ${substr(join("; ", [for id, rule in local.catalog : "\"${id}\" and \"${rule.legacy_id}\"" if length(setintersection(coalesce(var.rules, []), [id, rule.legacy_id])) == 2]), 0, 200)}, two names of the same rule: expected one of them."
  }
}

variable "custom_rules" {
  description = "The custom rules as the user wrote them: checked in modules/_custom-rules."
  type        = any
  default     = {}
  nullable    = false
}

variable "runbooks" {
  description = "Whether rules can also be fixed by AWS managed runbooks."
  type        = bool
  default     = true
  nullable    = false
}

variable "undo" {
  description = "Whether the role has the permissions that only an undo needs."
  type        = bool
  default     = false
  nullable    = false
}

variable "cloudtrail_lookup" {
  description = "Whether the role may look up in CloudTrail who undid a fix."
  type        = bool
  default     = false
  nullable    = false
}

variable "role_path" {
  description = "The path of the roles."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([\\w+=,.@-]+/)*$", var.role_path)) && length(var.role_path) <= 512
    error_message = "iam.path is \"${var.role_path}\": expected \"/\", or a path of at most 512 characters that begins and ends with \"/\", such as \"/security/\"."
  }
}

variable "delivery_role_name" {
  description = "An existing role of the account that writes flow logs to CloudWatch Logs, with its path but without a leading slash, the same as in the rule's options; null: `<name>-flow-logs`."
  type        = string
  default     = null

  validation {
    condition     = var.delivery_role_name == null ? true : can(regex("^([\\w+=,.@-]+/)*[\\w+=,.@-]{0,54}-flow-logs$", var.delivery_role_name))
    error_message = "iam.delivery_role_name is \"${coalesce(var.delivery_role_name, "null")}\": expected the name of a role, with its path, that ends with -flow-logs, such as \"security/acme-flow-logs\"."
  }
}

variable "create_delivery_role" {
  description = "Whether to create the role for flow logs if a rule needs it; null: if `delivery_role_name` is null."
  type        = bool
  default     = null
}

variable "remediator_role_path" {
  description = "The path of the remediators' roles in the security account."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([\\w+=,.@-]+/)*$", var.remediator_role_path)) && length(var.remediator_role_path) <= 512
    error_message = "iam.remediator_role_path is \"${var.remediator_role_path}\": expected \"/\", or a path of at most 512 characters that begins and ends with \"/\", such as \"/security/\"."
  }
}

variable "account_id" {
  description = "The role's account: an id, or a placeholder that CloudFormation replaces with an id."
  type        = string
  nullable    = false
}

variable "partition" {
  description = "The account's partition: `aws`."
  type        = string
  nullable    = false
}
