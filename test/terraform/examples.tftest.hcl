# Tests of the smaller examples. They are here so that users who copy an example do not copy its test.

mock_provider "aws" {
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant      = "acme"
  api_token            = "token"
  api_token_secret_arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:netskope-AbCdEf"
  account_id           = "111111111111"
  region               = "eu-central-1"
  security_account_id  = "222222222222"
}

run "single_account" {
  command = plan

  module {
    source = "./examples/single-account"
  }

  assert {
    condition     = toset(keys(output.settings.rules)) == toset(["iam-access-key-unrotated", "s3-bucket-public", "security-group-ssh-open"])
    error_message = "Settings: ${jsonencode(output.settings)}"
  }
}

run "customer_keys" {
  command = plan

  module {
    source = "./examples/customer-keys"
  }

  assert {
    condition     = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Sid] == ["EnableIamPolicies", "EventBridge", "CloudWatchAlarms", "CloudWatchLogs"] && alltrue([for keys in values(module.cspm_auto_remediation.link.keys) : alltrue([for key in values(keys) : key == aws_kms_key.this.arn])])
    error_message = "Everything must have the key: ${jsonencode(module.cspm_auto_remediation.link.keys)}"
  }
}

run "custom_rules" {
  command = plan

  module {
    source = "./examples/custom-rules"
  }

  assert {
    condition     = join(" ", keys(output.settings.rules)) == "acme-database-tags acme-queue-owner rds-instance-public"
    error_message = "Custom rules and library rules must be enabled like other rules: ${join(", ", keys(output.settings.rules))}"
  }
}

run "gitops" {
  command = plan

  module {
    source = "./examples/gitops"
  }

  assert {
    condition     = jsondecode(output.settings.rules["security-group-ssh-open"]).mode_by_account == { "222222222222" = "enforce" } && jsondecode(output.settings.rules["s3-bucket-public"]).options == { block_all = true }
    error_message = "The contents of rules.yaml must reach the settings: ${jsonencode(output.settings)}"
  }

  # YAML reads `off` as false.
  assert {
    condition     = jsondecode(output.settings.rules["s3-bucket-public"]).mode_by_account == { "333333333333" = "off" }
    error_message = "The word off must reach the settings: ${output.settings.rules["s3-bucket-public"]}"
  }
}

run "accounts_from_a_pipeline" {
  command = plan

  module {
    source = "./examples/accounts-from-a-pipeline"
  }

  assert {
    condition     = output.role_arn == "arn:aws:iam::111111111111:role/mock"
    error_message = "The account must get its role."
  }
}

run "an_account_id_without_quotes" {
  command = plan

  module {
    source = "./examples/accounts-from-a-pipeline"
  }

  variables {
    account_id = 12345678901
  }

  expect_failures = [var.account_id]
}
