module "cspm_auto_remediation" {
  # In your own repository:
  # source = "git::https://github.com/your-organization/cspm-auto-remediation.git?ref=v0.2.0"
  source = "../.."

  netskope_tenant = var.netskope_tenant
  api_token       = var.api_token

  rules = {
    security-group-ssh-open = {} # dry_run is the default mode; after its plans are read: { mode = "enforce" }
    s3-bucket-public = {
      exemptions = [{
        resource = "website-*"
        reason   = "serves the public website"
        owner    = "web team"
        expires  = "2099-12-31"
      }]
    }
    iam-access-key-unrotated = {}
  }

  evidence         = { force_destroy = var.force_destroy }
  api_token_secret = { recovery_days = var.force_destroy ? 0 : 7 }
}
