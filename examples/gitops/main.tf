module "cspm_auto_remediation" {
  # In your own repository:
  # source = "git::https://github.com/your-organization/cspm-auto-remediation.git?ref=v0.2.0"
  source = "../.."

  netskope_tenant  = var.netskope_tenant
  api_token_secret = { create = false, arn = var.api_token_secret_arn }
  rules            = local.rules

  evidence = { force_destroy = var.force_destroy }
}
