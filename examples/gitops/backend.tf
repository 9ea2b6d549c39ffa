# The bucket must already exist: terraform init -backend-config=bucket=STATES -backend-config=region=REGION
terraform {
  backend "s3" {
    key          = "cspm-auto-remediation.tfstate"
    use_lockfile = true
    encrypt      = true
  }
}
