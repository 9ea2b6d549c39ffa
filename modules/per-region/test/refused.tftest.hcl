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
    collector_role_id        = "AROACOLLECTOR"
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
    link = merge(var.link, { regions = ["us-east-1"] }) # this provider's region is not among them
  }
  expect_failures = [var.link]
}

run "mistakes_2" {
  command = plan
  variables {
    link = merge(var.link, { security_account_id = "222222222222" }) # this provider's account is another
  }
  expect_failures = [var.link]
}
