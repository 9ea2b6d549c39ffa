variable "api_token" {
  description = "The Netskope REST API token (API v1), written to the secret that `api_token_secret` describes and never to the state or a plan; null where the secret is yours."
  type        = string
  default     = null
  sensitive   = true
  # An ephemeral variable is ephemeral as a whole, and nothing that is made could depend on it: so the rest is apart.
  ephemeral = true

  validation {
    condition     = var.api_token == null || var.api_token_secret.create
    error_message = "api_token is given, and api_token_secret.create is false: a secret of your own is not written. Leave one of the two out."
  }

  validation {
    condition     = var.api_token != null || !var.api_token_secret.create
    error_message = "api_token is not given. Give it, or api_token_secret = { create = false, arn = … } where the token is in a secret of your own."
  }

  validation {
    condition     = var.api_token == null ? true : trimspace(var.api_token) == var.api_token && var.api_token != ""
    error_message = "api_token is empty, or begins or ends with white space: expected the token as Netskope shows it."
  }
}

variable "api_token_secret" {
  description = "The secret that holds the API token."
  type = object({
    # Whether this module makes the secret, of `api_token`. If not, `arn` names one of yours.
    create = optional(bool, true)
    # Raise it by one with a new `api_token`: Terraform can't see that a write-only value has changed.
    version = optional(number, 1)
    # An existing secret of the home region: the token as it stands, or `{"token": "…"}`.
    arn = optional(string)
    # For how many days a secret that a destroy removed can be brought back, 7 to 30; until then its name is taken. 0: gone at once.
    recovery_days = optional(number, 7)
  })
  default  = {}
  nullable = false

  validation {
    condition     = (var.api_token_secret.arn != null) == !var.api_token_secret.create
    error_message = "api_token_secret has create = ${var.api_token_secret.create} and ${var.api_token_secret.arn == null ? "no arn" : "an arn"}: expected an arn where create is false, and only there."
  }

  validation {
    condition     = var.api_token_secret.arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$", var.api_token_secret.arn))
    error_message = "api_token_secret.arn is \"${coalesce(var.api_token_secret.arn, "null")}\": expected a secret's ARN, such as \"arn:aws:secretsmanager:eu-central-1:111111111111:secret:netskope-AbCdEf\"."
  }

  # Secrets Manager is asked in the collector's own region, whatever region the ARN names.
  validation {
    condition     = var.api_token_secret.arn == null ? true : try(split(":", var.api_token_secret.arn)[3], data.aws_region.this.id) == data.aws_region.this.id
    error_message = "api_token_secret.arn is \"${coalesce(var.api_token_secret.arn, "null")}\": expected a secret of the home region, ${data.aws_region.this.id}. Replicate it there."
  }

  validation {
    condition     = var.api_token_secret.recovery_days == 0 || (var.api_token_secret.recovery_days >= 7 && var.api_token_secret.recovery_days <= 30)
    error_message = "api_token_secret.recovery_days is ${var.api_token_secret.recovery_days}: expected 0, or 7 to 30."
  }
}

locals {
  token_secret_arn = var.api_token_secret.create ? aws_secretsmanager_secret.api_token[0].arn : var.api_token_secret.arn
}

resource "aws_secretsmanager_secret" "api_token" {
  # checkov:skip=CKV2_AWS_57: Netskope has no API that would make a new token; api_token_secret.version puts one in
  count = var.api_token_secret.create ? 1 : 0

  name                    = "${var.name}/netskope-api-token"
  description             = "Netskope REST API token of ${local.netskope_url}, read by ${var.name}-collector."
  kms_key_id              = local.own_keys.token
  recovery_window_in_days = var.api_token_secret.recovery_days
  tags                    = var.tags
}

resource "aws_secretsmanager_secret_version" "api_token" {
  count = var.api_token_secret.create ? 1 : 0

  secret_id                = aws_secretsmanager_secret.api_token[0].id
  secret_string_wo         = var.api_token
  secret_string_wo_version = var.api_token_secret.version
}
