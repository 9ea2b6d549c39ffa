# Credentials come from the environment; where things are does not, so that nobody plans for another account or region
# by mistake.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}
