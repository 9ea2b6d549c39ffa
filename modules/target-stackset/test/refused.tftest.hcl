# Each of these mistakes must fail at plan, by the validation that names it; those of objects are in typed/test.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  security_account_id  = "111111111111"
  organizational_units = { "ou-a1b2-production" = {} }
}

run "calls_as_nobody" {
  command = plan
  variables {
    call_as = "DELEGATED"
  }
  expect_failures = [var.call_as]
}

# Accounts that join would get the role, though they are not named.
run "named_accounts_with_auto_deployment" {
  command = plan
  variables {
    organizational_units = { "ou-a1b2-production" = { accounts = ["222222222222"] } }
  }
  expect_failures = [var.auto_deployment]
}
