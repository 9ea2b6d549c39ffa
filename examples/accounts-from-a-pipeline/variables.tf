variable "account_id" {
  description = "The account that gets the role."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": expected an account id of twelve digits, in quotes."
  }
}

variable "region" {
  description = "The region that Terraform uses; the role applies to all regions."
  type        = string
  default     = "us-east-1"
}

variable "role_name" {
  description = "The role that Terraform assumes in the account; null: none, because its credentials are those of the account."
  type        = string
  default     = "OrganizationAccountAccessRole"
}

variable "security_account_id" {
  description = "The account in which the remediators run."
  type        = string
}

variable "external_id" {
  description = "The external id that the remediators use, if it is not the default."
  type        = string
  default     = null
}

variable "organization_id" {
  description = "The organization's id, `o-…`: the role then trusts nobody outside of it."
  type        = string
  default     = null
}

variable "rules" {
  description = "The ids of the rules that the role may remediate; null: all built-in rules, so that one that you enable later does not require a run of this pipeline (library rules must be named)."
  type        = set(string)
  default     = null
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}
