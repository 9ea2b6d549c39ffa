# Each of these mistakes must fail at plan, by the validation that names it. A run makes one mistake in each of several
# variables, because a run costs time and each variable fails by itself.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules = {
    security-group-ssh-open = { mode = "enforce" }
    s3-bucket-public        = {}
  }
}

run "mistakes_1" {
  command = plan
  variables {
    name            = "Cspm"
    netskope_tenant = "https://acme.goskope.com"
    api_token       = null
    regions         = ["eu-central-1", "Frankfurt"]
    region_labels   = { "Mars" = "mars" }
    schedule        = { expression = "every hour" }
    rules           = { security-group-ssh = {} }
    external_id     = "two words"
    iam             = { path = "security" }
    lambda          = { architecture = "arm" }
    collector       = { subnet_ids = ["subnet-1"] }
    evidence        = { retention_days = 0 }
    notifications   = { email_addresses = ["security"] }
  }
  expect_failures = [
    var.name, var.netskope_tenant, var.api_token, var.regions, var.region_labels, var.schedule, var.rules,
    var.external_id, var.iam, var.lambda, var.collector, var.evidence, var.notifications,
  ]
}

run "mistakes_2" {
  command = plan
  variables {
    name                  = "a23456789012345678901234567890123"
    netskope_tenant       = "acme.goskope.com/api"
    api_token             = "token\n"
    api_token_kms_key_arn = "alias/netskope"
    regions               = ["us-east-1"]
    schedule              = { expression = "cron(0 6 * * * *)" }
    rules                 = { s3-bucket-public = { mode = "enforced" } }
    external_id           = "x"
    iam                   = { permissions_boundary_arn = "boundary" }
    lambda                = { log_level = "debug" }
    collector             = { memory_size = 64 }
    evidence              = { retention_days = 1.5 }
    notifications         = { outcomes = ["remediated"] }
  }
  expect_failures = [
    var.name, var.netskope_tenant, var.api_token, var.api_token_kms_key_arn, var.regions, var.schedule, var.rules,
    var.external_id, var.iam, var.lambda, var.collector, var.evidence, var.notifications,
  ]
}

run "mistakes_3" {
  command = plan
  variables {
    name                    = "aws-remediation"
    netskope_tenant         = "Acme"
    api_token_secret_arn    = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mine-AbCdEf" # and a token, too
    regions                 = ["eu-central-1", "us-gov-west-1"]
    api_token_recovery_days = 3
    schedule                = { expression = "cron(0 25 * * ? *)" }
    rules                   = { s3-bucket-public = { mode_by_account = { "222222222222" = "on" } } }
    iam                     = { target_role_path = "/security" }
    lambda                  = { log_retention_days = 100 }
    collector               = { timeout = 1000 }
    notifications           = { kms_key_arn = "alias/notifications" }
  }
  expect_failures = [
    var.name, var.netskope_tenant, var.api_token, var.api_token_recovery_days, var.regions, var.schedule, var.rules, var.iam,
    var.lambda, var.collector, var.notifications,
  ]
}

run "mistakes_4" {
  command = plan
  variables {
    name                 = "cspm-"
    netskope_tenant      = "acme.example.com"
    api_token            = null
    api_token_secret_arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:mine-AbCdEf" # not of the home region
    schedule             = { flexible_window_minutes = 1441 }
    rules                = { s3-bucket-public = { mode_by_account = { "2222" = "enforce" } } }
    notifications        = { enabled = false, email_addresses = ["security@example.com"] }
  }
  expect_failures = [var.name, var.netskope_tenant, var.api_token_secret_arn, var.schedule, var.rules, var.notifications]
}

run "mistakes_5" {
  command = plan
  variables {
    name                 = "sthree-cspm" # reserved by S3
    api_token            = null
    api_token_secret_arn = "netskope-api-token"
    schedule             = { time_zone = "UTC+01:00" }
    rules                = { s3-bucket-public = { schedule = "rate(0 hours)" } }
    notifications        = { outcomes = ["failed", "deferred"] } # no alarm tells of the one
  }
  expect_failures = [var.name, var.api_token_secret_arn, var.schedule, var.rules, var.notifications]
}

run "bucket_name_too_long" {
  command = plan
  variables {
    name = "a2345678901234567890123456789012"
  }
  expect_failures = [aws_s3_bucket.evidence, aws_s3_bucket.settings]
}

run "exemption_that_has_ended" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ resource = "x", reason = "website", owner = "me", expires = "2020-01-31" }] } }
  }
  expect_failures = [check.exemptions_count]
}

run "exemption_in_a_region_that_is_not_deployed" {
  command = plan
  variables {
    rules = { s3-bucket-public = { exemptions = [{ region = "us-east-1", reason = "website", owner = "me", expires = "2099-01-31" }] } }
  }
  expect_failures = [check.exemptions_name_regions]
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

run "unknown_method" {
  command = plan
  variables {
    rules = { redshift-cluster-public = { method = "automation" } }
  }
  expect_failures = [var.rules]
}

run "unknown_sequel_of_a_runbook" {
  command = plan
  variables {
    rules = { redshift-cluster-public = { method = "runbook", runbook_then = "retry" } }
  }
  expect_failures = [var.rules]
}

run "runbook_of_a_rule_that_has_none" {
  command = plan
  variables {
    rules = { s3-bucket-public = { method = "runbook" } }
  }
  expect_failures = [var.rules]
}

run "runbook_that_this_partition_does_not_have" {
  command = plan

  override_data {
    target = data.aws_partition.this
    values = { partition = "aws-cn" }
  }
  override_data {
    target = data.aws_region.this
    values = { id = "cn-north-1" }
  }

  variables {
    rules = { security-group-ssh-open = { method = "runbook" } }
  }
  expect_failures = [var.rules]
}

run "maintenance_windows" {
  command = plan
  variables {
    schedule = { maintenance_window = { days = ["SATURDAY"], start = "22:00", end = "04:00" } }
    rules    = { s3-bucket-public = { maintenance_window = { start = "22:00", end = "4:00" } } }
  }
  expect_failures = [var.schedule, var.rules]
}

run "maintenance_windows_without_days_or_of_25_hours" {
  command = plan
  variables {
    schedule = { maintenance_window = { start = "23:00", end = "25:00" } }
    rules    = { s3-bucket-public = { maintenance_window = { days = [], start = "22:00", end = "04:00" } } }
  }
  expect_failures = [var.schedule, var.rules]
}

# Whether notifications tell of anything is not asked where alarms are mistaken: so these are by themselves.
run "topic_of_another_region" {
  command = plan
  variables {
    alarms = { topic_arns = ["arn:aws:sns:us-east-1:111111111111:another-region"] }
  }
  expect_failures = [var.alarms]
}

run "nobody_would_be_told" {
  command = plan
  variables {
    alarms        = { enabled = false }
    notifications = { email_addresses = ["security@example.com"] }
  }
  expect_failures = [var.notifications]
}
