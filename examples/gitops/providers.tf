# Credentials come from the environment. Account and region do not, so that nobody plans for another account or region by mistake.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}
