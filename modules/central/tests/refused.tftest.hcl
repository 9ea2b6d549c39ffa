# Each of these mistakes must fail at plan, by the validation that names it.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_service_principal" {
    defaults = { name = "service.amazonaws.com" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:111111111111:function:collector" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/mock" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:111111111111:dead-letters" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::evidence" }
  }
  mock_resource "aws_cloudwatch_event_bus" {
    defaults = { arn = "arn:aws:events:eu-central-1:111111111111:event-bus/bus" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111111111111:log-group:collector" }
  }
  mock_resource "aws_scheduler_schedule_group" {
    defaults = { arn = "arn:aws:scheduler:eu-central-1:111111111111:schedule-group/group" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = {
      arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:own-AbCdEf"
      id  = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:own-AbCdEf"
    }
  }
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules = {
    security-group-ssh-open = { mode = "enforce" }
    s3-bucket-public        = {}
  }
}

run "tenant_with_scheme" {
  command = plan
  variables {
    netskope_tenant = "https://acme.goskope.com"
  }
  expect_failures = [var.netskope_tenant]
}

run "tenant_with_path" {
  command = plan
  variables {
    netskope_tenant = "acme.goskope.com/api"
  }
  expect_failures = [var.netskope_tenant]
}

run "tenant_in_capitals" {
  command = plan
  variables {
    netskope_tenant = "Acme"
  }
  expect_failures = [var.netskope_tenant]
}

run "tenant_of_another_domain" {
  command = plan
  variables {
    netskope_tenant = "acme.example.com"
  }
  expect_failures = [var.netskope_tenant]
}

run "name_with_capitals" {
  command = plan
  variables {
    name = "Cspm"
  }
  expect_failures = [var.name]
}

run "name_too_long" {
  command = plan
  variables {
    name = "a23456789012345678901234567890123"
  }
  expect_failures = [var.name]
}

run "name_that_parameters_must_not_have" {
  command = plan
  variables {
    name = "aws-remediation"
  }
  expect_failures = [var.name]
}

run "no_token" {
  command = plan
  variables {
    api_token = null
  }
  expect_failures = [var.api_token]
}

run "token_and_secret" {
  command = plan
  variables {
    api_token_secret_arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mine-AbCdEf"
  }
  expect_failures = [var.api_token]
}

run "token_with_line_break" {
  command = plan
  variables {
    api_token = "token\n"
  }
  expect_failures = [var.api_token]
}

run "region_that_is_none" {
  command = plan
  variables {
    regions = ["eu-central-1", "Frankfurt"]
  }
  expect_failures = [var.regions]
}

run "regions_without_home" {
  command = plan
  variables {
    regions = ["us-east-1"]
  }
  expect_failures = [var.regions]
}

run "label_of_no_region" {
  command = plan
  variables {
    region_labels = { "Mars" = "mars" }
  }
  expect_failures = [var.region_labels]
}

run "impossible_schedule" {
  command = plan
  variables {
    schedule = { expression = "every hour" }
  }
  expect_failures = [var.schedule]
}

run "schedule_with_both_days" {
  command = plan
  variables {
    schedule = { expression = "cron(0 6 * * * *)" }
  }
  expect_failures = [var.schedule]
}

run "schedule_of_25_hours" {
  command = plan
  variables {
    schedule = { expression = "cron(0 25 * * ? *)" }
  }
  expect_failures = [var.schedule]
}

run "unknown_rule" {
  command = plan
  variables {
    rules = { security-group-ssh = {} }
  }
  expect_failures = [var.rules]
}

run "unknown_mode" {
  command = plan
  variables {
    rules = { s3-bucket-public = { mode = "enforced" } }
  }
  expect_failures = [var.rules]
}

run "unknown_mode_of_account" {
  command = plan
  variables {
    rules = { s3-bucket-public = { mode_by_account = { "222222222222" = "on" } } }
  }
  expect_failures = [var.rules]
}

run "malformed_account" {
  command = plan
  variables {
    rules = { s3-bucket-public = { mode_by_account = { "2222" = "enforce" } } }
  }
  expect_failures = [var.rules]
}

run "impossible_schedule_of_rule" {
  command = plan
  variables {
    rules = { s3-bucket-public = { schedule = "rate(0 hours)" } }
  }
  expect_failures = [var.rules]
}

run "empty_rule_name" {
  command = plan
  variables {
    rules = { s3-bucket-public = { netskope_rule_names = [" "] } }
  }
  expect_failures = [var.rules]
}

run "exemption_without_reason" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ resource = "x", owner = "me", expires = "2099-01-31" }] } }
  }
  expect_failures = [var.rules]
}

run "exemption_without_owner" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ resource = "x", reason = "website", expires = "2099-01-31" }] } }
  }
  expect_failures = [var.rules]
}

run "exemption_without_end" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ resource = "x", reason = "website", owner = "me" }] } }
  }
  expect_failures = [var.rules]
}

run "exemption_until_no_day" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ resource = "x", reason = "website", owner = "me", expires = "2099-02-30" }] } }
  }
  expect_failures = [var.rules]
}

run "exemption_of_malformed_account" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ account = "2222", reason = "website", owner = "me", expires = "2099-01-31" }] } }
  }
  expect_failures = [var.rules]
}

run "exemption_of_region_by_label" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ region = "EU(Frankfurt)", reason = "website", owner = "me", expires = "2099-01-31" }] } }
  }
  expect_failures = [var.rules]
}

run "option_of_another_rule" {
  command = plan
  variables {
    rules = { s3-bucket-public = { options = { max_age_days = 90 } } }
  }
  expect_failures = [var.rules]
}

run "option_out_of_range" {
  command = plan
  variables {
    rules = { iam-access-key-unrotated = { options = { max_age_days = 400 } } }
  }
  expect_failures = [var.rules]
}

run "option_not_in_list" {
  command = plan
  variables {
    rules = { security-group-ssh-open = { options = { all_traffic = "keep" } } }
  }
  expect_failures = [var.rules]
}

run "option_of_no_form" {
  command = plan
  variables {
    rules = { vpc-flow-logs-disabled = { options = { destination = "my-bucket" } } }
  }
  expect_failures = [var.rules]
}

run "external_id_with_space" {
  command = plan
  variables {
    external_id = "two words"
  }
  expect_failures = [var.external_id]
}

run "role_path_without_slash" {
  command = plan
  variables {
    iam = { path = "security" }
  }
  expect_failures = [var.iam]
}

run "boundary_that_is_no_arn" {
  command = plan
  variables {
    iam = { permissions_boundary_arn = "boundary" }
  }
  expect_failures = [var.iam]
}

run "unknown_architecture" {
  command = plan
  variables {
    lambda = { architecture = "arm" }
  }
  expect_failures = [var.lambda]
}

run "unknown_log_level" {
  command = plan
  variables {
    lambda = { log_level = "debug" }
  }
  expect_failures = [var.lambda]
}

run "log_retention_that_is_none" {
  command = plan
  variables {
    lambda = { log_retention_days = 100 }
  }
  expect_failures = [var.lambda]
}

run "subnets_without_security_groups" {
  command = plan
  variables {
    collector = { subnet_ids = ["subnet-1"] }
  }
  expect_failures = [var.collector]
}

run "no_retention" {
  command = plan
  variables {
    evidence = { retention_days = 0 }
  }
  expect_failures = [var.evidence]
}

run "bucket_name_too_long" {
  command = plan
  variables {
    name = "a2345678901234567890123456789012"
  }
  expect_failures = [aws_s3_bucket.evidence]
}

run "exemption_that_has_ended" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ resource = "x", reason = "website", owner = "me", expires = "2020-01-31" }] } }
  }
  expect_failures = [check.exemptions_count]
}
