# The bucket must be there before. It is given at init, with a key for each account of its own: see README.md.
terraform {
  backend "s3" {
    use_lockfile = true
    encrypt      = true
  }
}
