locals {
  token_secret_arn = local.inputs.api_token_secret.create ? aws_secretsmanager_secret.api_token[0].arn : local.inputs.api_token_secret.arn
}

resource "aws_secretsmanager_secret" "api_token" {
  # checkov:skip=CKV2_AWS_57: Netskope has no API that creates tokens; to rotate, set a new token and increase api_token_secret.version
  count = local.inputs.api_token_secret.create ? 1 : 0

  name                    = "${var.name}/netskope-api-token"
  description             = "Netskope REST API token of ${local.netskope_url}, read by ${var.name}-collector."
  kms_key_id              = local.own_keys.token
  recovery_window_in_days = local.inputs.api_token_secret.recovery_days
  tags                    = var.tags
}

resource "aws_secretsmanager_secret_version" "api_token" {
  count = local.inputs.api_token_secret.create ? 1 : 0

  secret_id                = aws_secretsmanager_secret.api_token[0].id
  secret_string_wo         = var.api_token
  secret_string_wo_version = local.inputs.api_token_secret.version
}
