# Each of these mistakes must fail at plan, by the validation that names it. A run makes one mistake in each variable,
# because a run costs time and each variable fails by itself.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  security_account_id  = "111111111111"
  organizational_units = { "ou-a1b2-production" = {} }
}

run "mistakes_1" {
  command = plan
  variables {
    organizational_units = {}
    call_as              = "DELEGATED"
    operation            = { max_concurrent_percentage = 0 }
  }
  expect_failures = [var.organizational_units, var.call_as, var.operation]
}

run "mistakes_2" {
  command = plan
  variables {
    organizational_units = { "Production" = {} }
    operation            = { failure_tolerance_percentage = 101 }
    iam                  = { permissions_boundary_name = "arn:aws:iam::111111111111:policy/boundary" }
  }
  expect_failures = [var.organizational_units, var.operation, var.iam]
}

run "malformed_account" {
  command = plan
  variables {
    organizational_units = { "ou-a1b2-production" = { excluded_accounts = ["3333"] } }
  }
  expect_failures = [var.organizational_units]
}

run "named_and_excluded_accounts" {
  command = plan
  variables {
    organizational_units = { "ou-a1b2-production" = { accounts = ["222222222222"], excluded_accounts = ["333333333333"] } }
    auto_deployment      = false
  }
  expect_failures = [var.organizational_units]
}

# Accounts that join would get the role, though they are not named.
run "named_accounts_with_auto_deployment" {
  command = plan
  variables {
    organizational_units = { "ou-a1b2-production" = { accounts = ["222222222222"] } }
  }
  expect_failures = [var.auto_deployment]
}
