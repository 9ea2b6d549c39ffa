variable "netskope_tenant" {
  description = "The Netskope tenant: `acme`, `acme.eu`, or its whole host name, `acme.goskope.com`."
  type        = string
}

variable "api_token" {
  description = "The Netskope REST API token (API v1). Give it by the environment, `TF_VAR_api_token`."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "security_account_id" {
  description = "The account that everything but the target roles lives in."
  type        = string
}

variable "production_account_id" {
  description = "A protected account."
  type        = string
}

variable "staging_account_id" {
  description = "A protected account."
  type        = string
}

variable "organization_id" {
  description = "The organization's id, `o-…`: the target roles then trust nobody outside it."
  type        = string
  default     = null
}

variable "role_name" {
  description = "The role that Terraform assumes in each account."
  type        = string
  default     = "OrganizationAccountAccessRole"
}

# Any type, because modules/central says what a rule may hold and checks it.
variable "rules" {
  description = "The rules to enforce, by id, as in modules/central."
  type        = any
  default = {
    security-group-ssh-open  = {}
    s3-bucket-public         = {}
    iam-access-key-unrotated = {}
  }
}

variable "force_destroy" {
  description = "Whether a destroy deletes the evidence and the token's secret for good."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
