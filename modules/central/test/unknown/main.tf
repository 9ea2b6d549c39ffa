# Values of resources that the same apply creates are unknown at plan.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

resource "terraform_data" "made" {
  for_each = toset(["account", "moment", "secret", "key", "bucket", "bus", "topic", "layer", "subnet", "boundary"])

  input = each.key
}

locals {
  made = { for name, resource in terraform_data.made : name => resource.id }
}

module "central" {
  source = "../.."

  netskope_tenant = "acme"
  api_token_secret = {
    create = false
    arn    = local.made.secret
  }
  encryption = { eu-central-1 = { all = local.made.key } }

  evidence      = { create_bucket = false, bucket = local.made.bucket }
  event_bus     = { create = false, name = local.made.bus }
  notifications = { create_topic = false, topic_arn = local.made.topic, each_finding = true }
  audit_trail   = { bucket = local.made.bucket }
  iam           = { permissions_boundary_arn = local.made.boundary }

  collector = {
    layers             = [local.made.layer]
    environment        = { AGENT = local.made.layer }
    subnet_ids         = [local.made.subnet]
    security_group_ids = [local.made.subnet]
  }

  account_groups    = { production = [local.made.account, "111111111111"] }
  excluded_accounts = [local.made.account]
  mode_by_group     = { production = "dry_run" }
  new_accounts      = { joined = { "222222222222" = local.made.moment } }

  rules = {
    s3-bucket-public       = { mode = "enforce", accounts = [local.made.account], excluded_accounts = [local.made.account] }
    vpc-flow-logs-disabled = { options = { destination = local.made.bucket, kms_key_arn = local.made.key } }
    security-group-ssh-open = {
      exemptions = [{ account = local.made.account, resource = local.made.bucket, reason = "website", owner = "me", expires = "2099-01-31" }]
    }
  }
}

output "objects" {
  description = "The keys of the resources that exist per rule."
  value       = keys(module.central.settings.rules)
}

output "schedule_group_name" {
  description = "Makes sure that the schedules are planned."
  value       = module.central.schedule_group_name
}
