# The bucket must already exist. Pass it to init, with a key for each account: see README.md.
terraform {
  backend "s3" {
    use_lockfile = true
    encrypt      = true
  }
}
