# Each of these mistakes must fail at plan, by the validation that names it. A run makes one mistake in each variable,
# because a run costs time and each variable fails by itself.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  link = {
    name                     = "cspm-auto-remediation"
    partition                = "aws"
    security_account_id      = "111111111111"
    home_region              = "eu-central-1"
    regions                  = ["eu-central-1"]
    event_bus_arn            = "arn:aws:events:eu-central-1:111111111111:event-bus/cspm-auto-remediation"
    notifications            = true
    evidence_bucket          = "evidence"
    findings_table           = "cspm-auto-remediation-findings"
    target_role_name         = "cspm-auto-remediation-remediation"
    automation_role_name     = "security/cspm-auto-remediation-automation"
    external_id              = "external"
    settings_bucket          = "settings"
    metrics_namespace        = "CspmAutoRemediation"
    iam_path                 = "/"
    permissions_boundary_arn = null
    tags                     = {}
    lambda                   = { architecture = "arm64", log_level = "INFO", log_retention_days = 90, tracing = false }
  }
}

run "mistakes_1" {
  command = plan
  variables {
    link       = merge(var.link, { regions = ["us-east-1"] }) # this provider's region is not among them
    remediator = { memory_size = 64 }
    queue      = { max_receive_count = 0 }
  }
  expect_failures = [var.link, var.remediator, var.queue]
}

run "an_age_of_nothing" {
  command = plan
  variables {
    alarms = { oldest_job_minutes = 0 }
  }
  expect_failures = [var.alarms]
}

run "mistakes_2" {
  command = plan
  variables {
    link       = merge(var.link, { security_account_id = "222222222222" }) # this provider's account is another
    remediator = { timeout = 1000 }
    queue      = { retention_days = 15 }
  }
  expect_failures = [var.link, var.remediator, var.queue]
}

run "mistakes_3" {
  command = plan
  variables {
    remediator = { batch_size = 11 }
    alarms     = { topic_arns = ["arn:aws:sns:us-east-1:111111111111:another-region"] }
    queue      = { dead_letter_retention_days = 0 }
  }
  expect_failures = [var.remediator, var.queue, var.alarms]
}

run "mistakes_4" {
  command = plan
  variables {
    remediator = { maximum_concurrency = 1 }
    queue      = { retry_delay_seconds = 901 }
  }
  expect_failures = [var.remediator, var.queue]
}

# The remediator would have no time left from the beginning.
run "too_short_to_change_anything" {
  command = plan
  variables {
    remediator = { timeout = 89 }
  }
  expect_failures = [var.remediator]
}

run "less_reserved_than_used" {
  command = plan
  variables {
    remediator = { reserved_concurrency = 6 } # 5 for jobs, and 2 for delayed ones
  }
  expect_failures = [var.remediator]
}

run "security_groups_without_subnets" {
  command = plan
  variables {
    remediator = { security_group_ids = ["sg-1"], layers = ["agent"] }
  }
  expect_failures = [var.remediator]
}

# A dead letter of the standard queue keeps its age.
run "dead_letters_kept_shorter_than_jobs" {
  command = plan

  variables {
    queue = { retention_days = 7, dead_letter_retention_days = 4 }
  }

  expect_failures = [var.queue]
}
