module "cspm_auto_remediation" {
  # In a repository of your own:
  # source = "git::https://github.com/ORGANIZATION/REPOSITORY.git?ref=VERSION"
  source = "../.."

  netskope_tenant = var.netskope_tenant
  api_token       = var.api_token

  rules = {
    security-group-ssh-open = { mode = "enforce" }
    s3-bucket-public = { # dry_run is the default mode
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
