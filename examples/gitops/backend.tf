# terraform init -backend-config=bucket=STATES -backend-config=key=cspm-auto-remediation.tfstate -backend-config=region=REGION
terraform {
  backend "s3" {
    use_lockfile = true
    encrypt      = true
  }
}
