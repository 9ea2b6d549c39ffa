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
  }
  expect_failures = [var.name, var.netskope_tenant, var.api_token, var.regions, var.region_labels, var.external_id]
}

run "mistakes_2" {
  command = plan
  variables {
    name            = "a23456789012345678901234567890123"
    netskope_tenant = "acme.goskope.com/api"
    api_token       = "token\n"
    regions         = ["us-east-1"]
    external_id     = "x"
    events          = "some"
  }
  expect_failures = [var.name, var.netskope_tenant, var.api_token, var.regions, var.external_id, var.events]
}

run "mistakes_3" {
  command = plan
  variables {
    name            = "aws-remediation"
    netskope_tenant = "Acme"
    # And a token.
    api_token_secret = { create = false, arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mine-AbCdEf" }
    regions          = ["eu-central-1", "us-gov-west-1"]
  }
  expect_failures = [var.name, var.netskope_tenant, var.api_token, var.regions]
}

run "mistakes_4" {
  command = plan
  variables {
    name            = "cspm-"
    netskope_tenant = "acme.example.com"
  }
  expect_failures = [var.name, var.netskope_tenant]
}

run "reserved_by_s3" {
  command = plan
  variables {
    name = "sthree-cspm"
  }
  expect_failures = [var.name]
}

run "bucket_name_too_long" {
  command = plan
  variables {
    name = "a2345678901234567890123456789012"
  }
  expect_failures = [aws_s3_bucket.evidence, aws_s3_bucket.settings]
}

run "nulls" {
  command = plan
  variables {
    regions       = ["eu-central-1", null]
    region_labels = { Mars = null }
  }
  expect_failures = [var.regions, var.region_labels]
}

run "labels_that_differ_in_case" {
  command = plan
  variables {
    region_labels = { "Moon (Base)" = "eu-west-1", "moon(base)" = "eu-west-2" }
  }
  expect_failures = [var.region_labels]
}

run "empty_label" {
  command = plan
  variables {
    region_labels = { " " = "eu-west-1" }
  }
  expect_failures = [var.region_labels]
}

run "evidence_bucket_that_logs_to_itself" {
  command = plan
  variables {
    evidence = { access_log = { bucket = "cspm-auto-remediation-evidence-111111111111-eu-central-1" } }
  }
  expect_failures = [aws_s3_bucket_logging.evidence]
}

run "tags_1" {
  command = plan
  variables {
    tags = { "aws:team" = "security" }
  }
  expect_failures = [var.tags]
}

run "tags_2" {
  command = plan
  variables {
    tags = { team = null }
  }
  expect_failures = [var.tags]
}

run "tags_3" {
  command = plan
  variables {
    tags = { Team = "security", team = "security" }
  }
  expect_failures = [var.tags]
}

run "tags_4" {
  command = plan
  variables {
    tags = { team = "security;platform" }
  }
  expect_failures = [var.tags]
}
