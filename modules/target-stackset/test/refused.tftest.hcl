# Each of these mistakes must fail at plan, by the validation that names it; those of objects are in typed/test.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  security_account_id  = "111111111111"
  organizational_units = { "ou-a1b2-production" = {} }
}

run "unknown_call_as" {
  command = plan
  variables {
    call_as = "DELEGATED"
  }
  expect_failures = [var.call_as]
}

# Accounts that join would get the role although they are not named.
run "named_accounts_with_auto_deployment" {
  command = plan
  variables {
    organizational_units = { "ou-a1b2-production" = { accounts = ["222222222222"] } }
  }
  expect_failures = [var.auto_deployment]
}

# All rules' documents use one role, and IAM limits the inline policies of a role to 10,240 characters.
run "runbooks_that_exceed_the_policy_size" {
  command = plan

  variables {
    rules = ["acme"]
    custom_rules = {
      acme = {
        netskope_rule_names = ["A"]
        runbook             = { document = "Acme", parameters = { AutomationAssumeRole = ["{{automation_role_arn}}"] } }
        permissions = {
          automation = [{ actions = ["sqs:TagQueue"], resources = [for n in range(300) : "arn:{{partition}}:sqs:{{region}}:{{account}}:number-${n}"] }]
        }
      }
    }
  }

  expect_failures = [aws_cloudformation_stack_set.this]
}

run "tags" {
  command = plan
  variables {
    tags = { "aws:team" = "security" }
  }
  expect_failures = [var.tags]
}
