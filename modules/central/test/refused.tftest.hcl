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
    external_id     = "two words"
    iam             = { path = "security" }
    lambda          = { architecture = "arm" }
    collector       = { subnet_ids = ["subnet-1"] }
    evidence        = { retention_days = 0 }
    notifications   = { email_addresses = ["security"] }
    event_bus       = { create = false }
  }
  expect_failures = [
    var.name, var.netskope_tenant, var.api_token, var.regions, var.region_labels,
    var.external_id, var.iam, var.lambda, var.collector, var.evidence, var.notifications, var.event_bus,
  ]
}

run "mistakes_2" {
  command = plan
  variables {
    name            = "a23456789012345678901234567890123"
    netskope_tenant = "acme.goskope.com/api"
    api_token       = "token\n"
    regions         = ["us-east-1"]
    external_id     = "x"
    iam             = { permissions_boundary_arn = "boundary" }
    lambda          = { log_level = "debug" }
    collector       = { memory_size = 64 }
    evidence        = { retention_days = 1.5 }
    notifications   = { outcomes = ["remediated"] }
    event_bus       = { create = false, name = "default" }
    events          = "some"
  }
  expect_failures = [
    var.name, var.netskope_tenant, var.api_token, var.regions,
    var.external_id, var.iam, var.lambda, var.collector, var.evidence, var.notifications, var.event_bus, var.events,
  ]
}

run "mistakes_3" {
  command = plan
  variables {
    name            = "aws-remediation"
    netskope_tenant = "Acme"
    # And a token, too.
    api_token_secret = { create = false, arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mine-AbCdEf" }
    regions          = ["eu-central-1", "us-gov-west-1"]
    iam              = { target_role_path = "/security" }
    lambda           = { log_retention_days = 100 }
    collector        = { timeout = 1000 }
    evidence         = { bucket = "ours" } # and made, too
    notifications    = { create_topic = false, topic_arn = "arn:aws:sns:eu-central-1:111111111111:alarms.fifo" }
  }
  expect_failures = [
    var.name, var.netskope_tenant, var.api_token, var.regions, var.iam,
    var.lambda, var.collector, var.evidence, var.notifications,
  ]
}

run "mistakes_4" {
  command = plan
  variables {
    name             = "cspm-"
    netskope_tenant  = "acme.example.com"
    api_token        = null
    api_token_secret = { create = false, arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:mine-AbCdEf" } # not of the home region
    lambda           = { runtime = "nodejs20.x" }
    collector        = { layers = ["arn:aws:lambda:us-east-1:111111111111:layer:agent:1"] } # not of the home region
    evidence         = { transitions = [{ days = 30, storage_class = "GLACIER" }] }
    notifications    = { enabled = false, email_addresses = ["security@example.com"] }
  }
  expect_failures = [var.name, var.netskope_tenant, var.api_token_secret, var.lambda, var.collector, var.evidence, var.notifications]
}

run "mistakes_5" {
  command = plan
  variables {
    name             = "sthree-cspm" # reserved by S3
    api_token        = null
    api_token_secret = { create = false, arn = "netskope-api-token" }
    evidence         = { force_destroy = true, object_lock = { mode = "COMPLIANCE", days = 30 } }
    notifications    = { outcomes = ["failed", "deferred"] } # no alarm tells of the one
  }
  expect_failures = [var.name, var.api_token_secret, var.evidence, var.notifications]
}

run "a_secret_that_can_be_brought_back_for_three_days" {
  command = plan
  variables {
    api_token_secret = { recovery_days = 3 }
    evidence         = { create_bucket = false, bucket = "ours", object_lock = { days = 30 } } # nothing is set there
  }
  expect_failures = [var.api_token_secret, var.evidence]
}

run "bucket_name_too_long" {
  command = plan
  variables {
    name = "a2345678901234567890123456789012"
  }
  expect_failures = [aws_s3_bucket.evidence, aws_s3_bucket.settings]
}

# Whether notifications tell of anything is not asked where alarms are mistaken: so these are by themselves.
run "topic_of_another_region" {
  command = plan
  variables {
    alarms   = { topic_arns = ["arn:aws:sns:us-east-1:111111111111:another-region"] }
    evidence = { policy_statements = [{ Effect = "Allow", Principal = "*" }] } # and no action
  }
  expect_failures = [var.alarms, var.evidence]
}

run "nobody_would_be_told" {
  command = plan
  variables {
    alarms        = { enabled = false }
    notifications = { email_addresses = ["security@example.com"] }
    evidence      = { object_lock = { mode = "compliance", days = 30 } }
  }
  expect_failures = [var.notifications, var.evidence]
}
