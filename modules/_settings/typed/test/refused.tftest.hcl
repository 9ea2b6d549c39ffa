# Each of these mistakes must fail at plan, by the validation that names it. A run makes one mistake in each of several
# variables, because each variable fails by itself.

variables {
  rules       = {}
  home_region = "eu-central-1"
}

run "defaults" {
  command = plan

  assert {
    condition     = output.limits == { per_account_per_hour = 50, per_rule_per_hour = 200 } && output.breaker == { changes = 5, failed_percent = 50 } && output.evidence.retention_days == 400 && output.lambda.architecture == "arm64" && output.audit_trail == null && output.notifications.enabled
    error_message = "Defaults: ${jsonencode(output.evidence)}"
  }
}

run "mistakes_1" {
  command = plan
  variables {
    limits        = { per_account_per_hour = 0 }
    breaker       = { changes = 0 }
    lambda        = { architecture = "arm" }
    collector     = { subnet_ids = ["subnet-1"] }
    evidence      = { retention_days = 0 }
    notifications = { email_addresses = ["security"] }
    event_bus     = { create = false }
    audit_trail   = {} # no bucket
  }
  expect_failures = [var.limits, var.breaker, var.lambda, var.collector, var.evidence, var.notifications, var.event_bus, var.audit_trail]
}

run "mistakes_2" {
  command = plan
  variables {
    limits        = { per_rule_per_hour = 1.5 }
    breaker       = { failed_percent = 101 }
    iam           = { permissions_boundary_arn = "boundary" }
    lambda        = { log_level = "debug" }
    collector     = { memory_size = 64 }
    evidence      = { retention_days = 1.5 }
    notifications = { outcomes = ["remediated"] }
    event_bus     = { create = false, name = "default" }
    audit_trail   = { bucket = "arn:aws:s3:::logs" }
  }
  expect_failures = [var.limits, var.breaker, var.iam, var.lambda, var.collector, var.evidence, var.notifications, var.event_bus, var.audit_trail]
}

run "mistakes_3" {
  command = plan
  variables {
    lambda        = { log_retention_days = 100 }
    collector     = { timeout = 1000 }
    evidence      = { bucket = "ours" } # and made, too
    notifications = { create_topic = false, topic_arn = "arn:aws:sns:eu-central-1:111111111111:alarms.fifo" }
  }
  expect_failures = [var.lambda, var.collector, var.evidence, var.notifications]
}

run "mistakes_4" {
  command = plan
  variables {
    api_token_secret = { create = false, arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:mine-AbCdEf" } # not of the home region
    lambda           = { runtime = "nodejs20.x" }
    collector        = { layers = ["arn:aws:lambda:us-east-1:111111111111:layer:agent:1"] } # not of the home region
    evidence         = { transitions = [{ days = 30, storage_class = "GLACIER" }] }
    notifications    = { enabled = false, email_addresses = ["security@example.com"] }
  }
  expect_failures = [var.api_token_secret, var.lambda, var.collector, var.evidence, var.notifications]
}

run "mistakes_5" {
  command = plan
  variables {
    api_token_secret = { create = false, arn = "netskope-api-token" }
    evidence         = { force_destroy = true, object_lock = { mode = "COMPLIANCE", days = 30 } }
    notifications    = { outcomes = ["failed", "deferred"] } # no alarm tells of the one
  }
  expect_failures = [var.api_token_secret, var.evidence, var.notifications]
}

run "mistakes_6" {
  command = plan
  variables {
    api_token_secret = { recovery_days = 3 }
    evidence         = { create_bucket = false, bucket = "ours", object_lock = { days = 30 } } # nothing is set there
    # If alarms are invalid, notifications are not checked.
    alarms = { topic_arns = ["arn:aws:sns:us-east-1:111111111111:another-region"] }
  }
  expect_failures = [var.api_token_secret, var.evidence, var.alarms]
}

run "notifications_without_alarms" {
  command = plan
  variables {
    alarms        = { enabled = false }
    notifications = { email_addresses = ["security@example.com"] }
    evidence      = { object_lock = { mode = "compliance", days = 30 } }
  }
  expect_failures = [var.notifications, var.evidence]
}

run "statement_without_an_action" {
  command = plan
  variables {
    evidence = { policy_statements = [{ Effect = "Allow", Principal = "*" }] }
  }
  expect_failures = [var.evidence]
}

run "transition_without_days" {
  command = plan
  variables {
    evidence = { transitions = [{ storage_class = "GLACIER_IR" }] }
  }
  expect_failures = [var.evidence]
}

run "access_log_without_a_bucket" {
  command = plan
  variables {
    evidence = { access_log = { prefix = "s3/" } }
  }
  expect_failures = [var.evidence]
}

run "object_lock_without_days" {
  command = plan
  variables {
    evidence = { object_lock = {} }
  }
  expect_failures = [var.evidence]
}

run "a_collector_that_could_never_run" {
  command = plan

  variables {
    collector = { reserved_concurrency = 0 }
  }

  expect_failures = [var.collector]
}

run "a_collector_with_reserved_concurrency" {
  command = plan

  variables {
    collector = { reserved_concurrency = 1 }
  }
}

run "fractions" {
  command = plan
  variables {
    collector        = { memory_size = 512.5 }
    api_token_secret = { recovery_days = 7.5 }
    evidence         = { transitions = [{ days = 30.5, storage_class = "STANDARD_IA" }] }
  }
  expect_failures = [var.collector, var.api_token_secret, var.evidence]
}

run "fractions_2" {
  command = plan
  variables {
    collector        = { timeout = 30.5 }
    api_token_secret = { version = 1.5 }
  }
  expect_failures = [var.collector, var.api_token_secret]
}

run "too_much" {
  command = plan
  variables {
    limits        = { per_account_per_hour = 100000000000000000 }
    breaker       = { changes = 100000000000000000 }
    evidence      = { retention_days = 3000000000 }
    notifications = { deferred_days = 100000000000000000 }
  }
  expect_failures = [var.limits, var.breaker, var.evidence, var.notifications]
}

# S3 refuses a transition that is not before the expiration.
run "transition_after_the_end" {
  command = plan
  variables {
    evidence = { retention_days = 90, transitions = [{ days = 90, storage_class = "GLACIER_IR" }] }
  }
  expect_failures = [var.evidence]
}

run "same_storage_class_twice" {
  command = plan
  variables {
    evidence = { transitions = [{ days = 90, storage_class = "GLACIER_IR" }, { days = 120, storage_class = "GLACIER_IR" }] }
  }
  expect_failures = [var.evidence]
}

run "object_lock_of_centuries" {
  command = plan
  variables {
    evidence = { object_lock = { days = 36501 } }
  }
  expect_failures = [var.evidence]
}

run "audit_trail_with_an_alias" {
  command = plan
  variables {
    audit_trail = { bucket = "logs", kms_key_arn = "alias/logs" }
  }
  expect_failures = [var.audit_trail]
}

run "audit_trail_with_a_long_prefix" {
  command = plan
  variables {
    audit_trail = { bucket = "logs", key_prefix = format("%0201d", 0) }
  }
  expect_failures = [var.audit_trail]
}

run "audit_trail_with_a_key" {
  command = plan
  variables {
    audit_trail = { bucket = "logs", key_prefix = "trails", kms_key_arn = "arn:aws:kms:us-east-1:111111111111:alias/logs" }
  }

  assert {
    condition     = output.audit_trail.kms_key_arn == "arn:aws:kms:us-east-1:111111111111:alias/logs"
    error_message = jsonencode(output.audit_trail)
  }
}
