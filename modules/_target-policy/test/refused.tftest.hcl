# Each of these mistakes must fail at plan, by the validation that names it. A run makes one mistake in each variable,
# because a run costs time and each variable fails by itself. The tests of target and target-stackset cover
# the policies.

variables {
  name                = "cspm-auto-remediation"
  security_account_id = "111111111111"
  account_id          = "222222222222"
  partition           = "aws"
}

run "mistakes_1" {
  command = plan
  variables {
    name                 = "Cspm"
    security_account_id  = "1111"
    external_id          = "two words"
    organization_id      = "my-organization"
    rules                = ["security-group-ssh"]
    remediator_role_path = "security"
    role_path            = "security"
    delivery_role_name   = "acme-delivery"
  }
  expect_failures = [
    var.name, var.security_account_id, var.external_id, var.organization_id, var.rules, var.remediator_role_path,
    var.role_path, var.delivery_role_name,
  ]
}

run "mistakes_2" {
  command = plan
  variables {
    name               = "a23456789012345678901234567890123"
    external_id        = "x"
    role_path          = "/security"
    delivery_role_name = "/security/acme-flow-logs"
    rules              = ["CIS-1-2-0-4-1", "s3-bucket-public", "security-group-ssh-open"] # two of these are the same
  }
  expect_failures = [var.name, var.external_id, var.role_path, var.delivery_role_name, var.rules]
}

run "null_among_the_rules" {
  command = plan
  variables {
    rules = ["s3-bucket-public", null]
  }
  expect_failures = [var.rules]
}

run "long_paths" {
  command = plan
  variables {
    role_path            = "/${format("%0511d", 0)}/"
    remediator_role_path = "/${format("%0511d", 0)}/"
  }
  expect_failures = [var.role_path, var.remediator_role_path]
}
