module "cspm_auto_remediation" {
  # In your own repository:
  # source = "git::https://github.com/your-organization/cspm-auto-remediation.git?ref=v0.2.0"
  source = "../.."

  name            = var.name
  netskope_tenant = var.netskope_tenant
  api_token       = var.api_token

  rules = {
    security-group-ssh-open = { mode = "dry_run" }
  }

  # By region; `all` is the key for every use there.
  encryption = { (local.region) = { all = aws_kms_key.this.arn } }

  # For 30 days, only privileged users can delete evidence.
  evidence = {
    force_destroy = var.force_destroy
    object_lock   = { mode = "GOVERNANCE", days = 30 }
  }

  api_token_secret = { recovery_days = var.force_destroy ? 0 : 7 }
}
