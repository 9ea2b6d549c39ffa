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
  description = "The AWS Organization's id, `o-…`: the role then trusts nobody outside it. Null: not asked for."
  type        = string
  default     = null
}

variable "rules" {
  description = "The rules that the role may cure, by id or by legacy id (`CIS-1-2-0-4-1`): it holds what these need and nothing else. Null: all rules."
  type        = set(string)
  default     = null
}

variable "runbooks" {
  description = "Whether the rules may be cured by AWS's managed runbooks, too, where they have one: the role may then start these documents, and there is a role that Systems Manager runs them by. Where no rule of `central` says `method = \"runbook\"`, it can be false."
  type        = bool
  default     = true
  nullable    = false
}

variable "undo" {
  description = "Whether the role holds what only an undo needs, such as deleting a flow log that a rule made. Turn it on before you undo changes; where nobody does, it can stay off."
  type        = bool
  default     = false
  nullable    = false
}

variable "iam" {
  description = "`path` of the role (the same as `iam.target_role_path` in `central`), its `permissions_boundary_arn`, and `remediator_role_path`, the path of the remediators' roles in the security account (`iam.path` in `central`). `delivery_role_name`: a role of your own, with its path but no slash before it, that is passed for flow logs where `central` names it in the options of `vpc-flow-logs-disabled`; there is no `<name>-flow-logs` then."
  type = object({
    path                     = optional(string, "/")
    permissions_boundary_arn = optional(string)
    remediator_role_path     = optional(string, "/")
    delivery_role_name       = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.iam.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::(\\d{12}|aws):policy/.+$", var.iam.permissions_boundary_arn))
    error_message = "iam.permissions_boundary_arn is \"${coalesce(var.iam.permissions_boundary_arn, "null")}\": expected a policy's ARN, such as \"arn:aws:iam::111111111111:policy/boundary\"."
  }
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
