variable "netskope_tenant" {
  description = "The Netskope tenant: `acme`, `acme.eu`, or its whole host name, `acme.goskope.com`."
  type        = string
}

variable "api_token_secret_arn" {
  description = "ARN of the secret that holds the API token, so that the pipeline never sees it."
  type        = string
}
