# The sources that network ACLs shall let in instead of everybody. What is refused here would stop the rule otherwise.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
}

run "of_either_family" {
  command = plan

  variables {
    rules = { network-acl-default-allows-all = { options = { replacement_cidrs = ["vpc", "10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "64:ff9b::/96", "0064:ff9b:1::/48"] } } }
  }

  assert {
    condition     = length(jsondecode(output.settings.rules["network-acl-default-allows-all"]).options.replacement_cidrs) == 6
    error_message = "Settings: ${output.settings.rules["network-acl-default-allows-all"]}"
  }
}

run "none" {
  command = plan

  variables {
    rules = { network-acl-default-allows-all = { options = { replacement_cidrs = [] } } }
  }

  assert {
    condition     = jsondecode(output.settings.rules["network-acl-default-allows-all"]).options.replacement_cidrs == []
    error_message = "Settings: ${output.settings.rules["network-acl-default-allows-all"]}"
  }
}

run "an_address" {
  command = plan
  variables {
    rules = { network-acl-default-allows-all = { options = { replacement_cidrs = ["vpc", "10.0.0.1"] } } }
  }
  expect_failures = [var.rules]
}

run "a_prefix_that_is_too_long" {
  command = plan
  variables {
    rules = { network-acl-subnet-allows-all = { options = { replacement_cidrs = ["10.0.0.0/33"] } } }
  }
  expect_failures = [var.rules]
}

run "not_in_small_letters" {
  command = plan
  variables {
    rules = { network-acl-default-allows-all = { options = { replacement_cidrs = ["VPC"] } } }
  }
  expect_failures = [var.rules]
}

run "everything" {
  command = plan
  variables {
    rules = { network-acl-default-allows-all = { options = { replacement_cidrs = ["::/0"] } } }
  }
  expect_failures = [var.rules]
}

# Is it octal? AWS and the remediators take none of these.
run "a_number_that_begins_with_a_zero" {
  command = plan
  variables {
    rules = { network-acl-default-allows-all = { options = { replacement_cidrs = ["010.0.0.0/8"] } } }
  }
  expect_failures = [var.rules]
}
