variable "api_token" {
  description = "The Netskope REST API token (API v1). It goes into a secret of this module's, and neither into the state nor into a plan. Give either this or `api_token_secret_arn`."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = (var.api_token == null) != (var.api_token_secret_arn == null)
    error_message = "Give either api_token or api_token_secret_arn: exactly one of the two."
  }

  validation {
    condition     = var.api_token == null ? true : trimspace(var.api_token) == var.api_token && var.api_token != ""
    error_message = "api_token is empty, or begins or ends with white space: expected the token as Netskope shows it."
  }
}

variable "api_token_version" {
  description = "Raise it by one to put a new `api_token` into the secret: Terraform can't see that a write-only value has changed."
  type        = number
  default     = 1
  nullable    = false
}

variable "api_token_secret_arn" {
  description = "ARN of an existing secret of the home region whose value is the token as it stands, not JSON. Give either this or `api_token`."
  type        = string
  default     = null

  validation {
    condition     = var.api_token_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$", var.api_token_secret_arn))
    error_message = "api_token_secret_arn is \"${coalesce(var.api_token_secret_arn, "null")}\": expected a secret's ARN, such as \"arn:aws:secretsmanager:eu-central-1:111111111111:secret:netskope-AbCdEf\"."
  }

  # Secrets Manager is asked in the collector's own region, whatever region the ARN names.
  validation {
    condition     = var.api_token_secret_arn == null ? true : try(split(":", var.api_token_secret_arn)[3], data.aws_region.this.id) == data.aws_region.this.id
    error_message = "api_token_secret_arn is \"${coalesce(var.api_token_secret_arn, "null")}\": expected a secret of the home region, ${data.aws_region.this.id}. Replicate it there."
  }
}

variable "api_token_kms_key_arn" {
  description = "ARN of the KMS key that encrypts the token's secret, where that is a key of yours. Null: the account's `aws/secretsmanager`, which costs nothing."
  type        = string
  default     = null

  validation {
    condition     = var.api_token_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.api_token_kms_key_arn))
    error_message = "api_token_kms_key_arn is \"${coalesce(var.api_token_kms_key_arn, "null")}\": expected a key's ARN, such as \"arn:aws:kms:eu-central-1:111111111111:key/…\"."
  }
}

variable "api_token_recovery_days" {
  description = "For how many days a secret that a destroy removed can be brought back; until then its name is taken. 0: gone at once."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.api_token_recovery_days == 0 || (var.api_token_recovery_days >= 7 && var.api_token_recovery_days <= 30)
    error_message = "api_token_recovery_days is ${var.api_token_recovery_days}: expected 0, or 7 to 30."
  }
}

locals {
  own_secret       = var.api_token_secret_arn == null
  token_secret_arn = local.own_secret ? aws_secretsmanager_secret.api_token[0].arn : var.api_token_secret_arn
}

resource "aws_secretsmanager_secret" "api_token" {
  # checkov:skip=CKV2_AWS_57: Netskope has no API that would make a new token; api_token_version puts one in
  count = local.own_secret ? 1 : 0

  name                    = "${var.name}/netskope-api-token"
  description             = "Netskope REST API token of ${local.netskope_url}, read by ${var.name}-collector."
  kms_key_id              = var.api_token_kms_key_arn
  recovery_window_in_days = var.api_token_recovery_days
  tags                    = var.tags
}

resource "aws_secretsmanager_secret_version" "api_token" {
  count = local.own_secret ? 1 : 0

  secret_id                = aws_secretsmanager_secret.api_token[0].id
  secret_string_wo         = var.api_token
  secret_string_wo_version = var.api_token_version
}
