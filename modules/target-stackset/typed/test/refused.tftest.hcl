# Each of these mistakes must fail at plan, by the validation that names it. A run makes one mistake in each variable,
# because each variable fails by itself.

variables {
  organizational_units = { "ou-a1b2-production" = {} }
}

run "mistakes_1" {
  command = plan
  variables {
    organizational_units = {}
    operation            = { max_concurrent_percentage = 0 }
    iam                  = { permissions_boundary_name = "arn:aws:iam::111111111111:policy/boundary" }
  }
  expect_failures = [var.organizational_units, var.operation, var.iam]
}

run "mistakes_2" {
  command = plan
  variables {
    organizational_units = { "Production" = {} }
    operation            = { failure_tolerance_percentage = 101 }
  }
  expect_failures = [var.organizational_units, var.operation]
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
  }
  expect_failures = [var.organizational_units]
}

run "same_unit_twice" {
  command = plan
  variables {
    organizational_units = { production = { id = "ou-a1b2-production" }, "ou-a1b2-production" = {} }
  }
  expect_failures = [var.organizational_units]
}

run "fractions" {
  command = plan
  variables {
    organizational_units = { "ou-a1b2-production" = {} }
    operation            = { max_concurrent_percentage = 25.5 }
  }
  expect_failures = [var.operation]
}
