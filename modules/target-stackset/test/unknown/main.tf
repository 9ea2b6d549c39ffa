# An organizational unit of the same apply: its id is unknown at plan. With depends_on, the module's data sources are unknown,
# too.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "terraform_data" "unit" {
  input = "unit"
}

module "accounts" {
  source = "../.."

  security_account_id = "111111111111"
  rules               = ["security-group-ssh-open"]
  organizational_units = {
    workloads            = { id = terraform_data.unit.id, excluded_accounts = [terraform_data.unit.id] }
    "ou-ab12-abcd1234ef" = {}
  }

  depends_on = [terraform_data.unit]
}
