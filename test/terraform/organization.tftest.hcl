# Tests of examples/organization. They are here so that users who copy the example do not copy its test.

mock_provider "aws" {
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_east_1"
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "us_west_2"
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "production"
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "staging"
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

override_data {
  target = module.us_east_1.data.aws_region.this
  values = { id = "us-east-1" }
}

override_data {
  target = module.us_west_2.data.aws_region.this
  values = { id = "us-west-2" }
}

variables {
  netskope_tenant     = "acme"
  api_token           = "token"
  security_account_id = "111111111111"
  organization_id     = "o-a1b2c3d4e5"
}

# As in terraform.tfvars.example, after the first weeks.
run "modes_by_group" {
  command = plan

  module {
    source = "./examples/organization"
  }

  variables {
    organizational_units = { "ou-a1b2-c3d4e5f6" = { excluded_accounts = ["111111111111"] } }
    account_groups       = { production = ["222222222222", "555555555555"], sandbox = ["333333333333"], frozen = ["555555555555"] }
    mode_by_group        = { frozen = "dry_run" }
    rules = {
      security-group-ssh-open = { mode = "dry_run", mode_by_group = { sandbox = "enforce" } }
      s3-bucket-public        = { mode = "enforce", exemptions = [{ group = "production", resource = "website-*", reason = "serves the public website", owner = "web team", expires = "2099-12-31" }] }
    }
  }

  assert {
    condition = output.settings.modes == {
      "222222222222" = "dry_run: security-group-ssh-open; enforce: s3-bucket-public"
      "333333333333" = "enforce"
      "555555555555" = "dry_run"
    }
    error_message = "Modes: ${jsonencode(output.settings.modes)}"
  }
}

run "accounts_by_stackset" {
  command = plan

  module {
    source = "./examples/organization"
  }

  variables {
    organizational_units = { "ou-a1b2-c3d4e5f6" = { excluded_accounts = ["111111111111"] }, workloads = { id = "ou-a1b2-0a1b2c3d" } }
    rules = {
      security-group-ssh-open = { mode = "dry_run", mode_by_account = { "333333333333" = "enforce" } }
    }
    excluded_accounts = ["444444444444"]
    region_labels     = { "Moon(Base)" = "us-west-2" }
    api_token_version = 2
  }

  assert {
    condition     = output.target_stack_set_name == "cspm-auto-remediation-target" && length(output.target_role_arns) == 1
    error_message = "An account must not get its role twice."
  }

  assert {
    condition     = output.settings.modes == { "333333333333" = "enforce", "444444444444" = "off" }
    error_message = "The rules must reach the remediators: ${jsonencode(output.settings)}"
  }

  assert {
    condition     = toset(keys(output.queue_urls)) == toset(["eu-central-1", "us-east-1", "us-west-2"])
    error_message = "Queues: ${join(", ", keys(output.queue_urls))}"
  }
}

run "accounts_by_module_blocks" {
  command = plan

  module {
    source = "./examples/organization"
  }

  variables {
    production_account_id = "222222222222"
    staging_account_id    = "333333333333"
  }

  assert {
    condition     = output.target_stack_set_name == null && length(output.target_role_arns) == 3
    error_message = "Each account must have its module block."
  }
}

run "no_accounts" {
  command = plan

  module {
    source = "./examples/organization"
  }

  expect_failures = [var.production_account_id, var.staging_account_id]
}

# As if a region is in local.regions, but its block is for another region.
run "a_region_without_its_module" {
  command = plan

  module {
    source = "./examples/organization"
  }

  override_module {
    target = module.us_west_2
    outputs = {
      region                = "eu-west-1"
      queue_url             = "https://sqs.eu-central-1.amazonaws.com/111111111111/jobs.fifo"
      dead_letter_queue_url = "https://sqs.eu-central-1.amazonaws.com/111111111111/dead-letters.fifo"
    }
  }

  variables {
    production_account_id = "222222222222"
    staging_account_id    = "333333333333"
  }

  expect_failures = [check.every_region_has_its_module]
}
