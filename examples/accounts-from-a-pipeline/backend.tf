# The rest is given at init, for each account its own key:
# terraform init -reconfigure -backend-config=bucket=STATES -backend-config=region=REGION -backend-config=key=cspm-auto-remediation/ACCOUNT.tfstate
terraform {
  backend "s3" {
    use_lockfile = true
    encrypt      = true
  }
}
