variable "account_id" {
  description = "The security account, which contains all resources; Terraform refuses to work in any other account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id is \"${var.account_id}\": expected an account id of twelve digits, in quotes."
  }
}

variable "region" {
  description = "The region of all resources."
  type        = string
}

variable "netskope_tenant" {
  description = "The Netskope tenant: `acme`, `acme.eu`, or its host name `acme.goskope.com`."
  type        = string
}

variable "api_token_secret_arn" {
  description = "ARN of the secret that contains the API token, so that the pipeline never sees it."
  type        = string
}

variable "force_destroy" {
  description = "Whether a destroy permanently deletes the evidence."
  type        = bool
  default     = false
}
