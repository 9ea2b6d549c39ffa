variable "netskope_tenant" {
  description = "The Netskope tenant: `acme`, `acme.eu`, or its host name `acme.goskope.com`."
  type        = string
}

variable "api_token" {
  description = "The Netskope REST API token (API v1), set in the environment as `TF_VAR_api_token`."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "api_token_version" {
  description = "Increase it by one with each new `api_token`, because Terraform cannot detect that a write-only value has changed."
  type        = number
  default     = 1
}

variable "security_account_id" {
  description = "The account that contains everything except the target roles."
  type        = string
}

# Any type, because modules/target-stackset defines and checks the attributes of a unit.
variable "organizational_units" {
  description = "The organizational units whose accounts get their role from a StackSet, by id or by any key with an `id`, as in modules/target-stackset, excluding the security account, which has its own role; empty: no StackSet, only the two accounts below."
  type        = any
  default     = {}
}

variable "production_account_id" {
  description = "A protected account, if there is no StackSet."
  type        = string
  default     = null

  validation {
    condition     = var.production_account_id != null || length(var.organizational_units) > 0
    error_message = "production_account_id is not set: expected an account id, or organizational_units."
  }
}

variable "staging_account_id" {
  description = "Another protected account, if there is no StackSet."
  type        = string
  default     = null

  validation {
    condition     = var.staging_account_id != null || length(var.organizational_units) > 0
    error_message = "staging_account_id is not set: expected an account id, or organizational_units."
  }
}

variable "organization_id" {
  description = "The organization's id, `o-…`: the target roles then trust nobody outside of it."
  type        = string
  default     = null
}

variable "role_name" {
  description = "The role that Terraform assumes in each account."
  type        = string
  default     = "OrganizationAccountAccessRole"
}

# Any type, because modules/central defines and checks the attributes of a rule.
variable "rules" {
  description = "The rules to enable, by id, as in modules/central; without a `mode`, a rule only records its plan (`dry_run`)."
  type        = any
  default = {
    security-group-ssh-open  = {}
    s3-bucket-public         = {}
    iam-access-key-unrotated = {}
  }
}

variable "account_groups" {
  description = "Account ids by group name, for `mode_by_group` here and in `rules`, and in exemptions."
  type        = map(set(string))
  default     = {}
}

variable "mode_by_group" {
  description = "The highest mode of any rule in the accounts of a group, regardless of the rule's own settings."
  type        = map(string)
  default     = {}
}

variable "excluded_accounts" {
  description = "Accounts in which every rule is off, regardless of other settings."
  type        = set(string)
  default     = []
}

variable "region_labels" {
  description = "Additional names of regions in Netskope's findings, with the region's code, as in modules/central."
  type        = map(string)
  default     = {}
}

variable "email_addresses" {
  description = "Who is notified of failures and alarms."
  type        = set(string)
  default     = []
}

variable "force_destroy" {
  description = "Whether a destroy permanently deletes the evidence and the token's secret."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags for all resources."
  type        = map(string)
  default     = {}
}
