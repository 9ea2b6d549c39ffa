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

variable "force_destroy" {
  description = "Whether a destroy permanently deletes the evidence and the token's secret."
  type        = bool
  default     = false
}
