# A rule can be named by its legacy id, with the same result.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
}

run "by_legacy_id" {
  command = plan

  variables {
    rules = {
      CIS-1-2-0-4-1 = {
        mode                = "enforce"
        method              = "runbook"
        accounts            = ["222222222222"]
        netskope_rule_names = ["Our own SSH rule"]
        options             = { all_traffic = "revoke" }
      }
      CIS-1-2-0-2-9    = { mode = "off" }
      s3-bucket-public = {}
    }
  }

  assert {
    condition     = toset(keys(output.settings.rules)) == toset(["s3-bucket-public", "security-group-ssh-open", "vpc-flow-logs-disabled"])
    error_message = "The remediators know only the ids of rules: ${jsonencode(output.settings)}"
  }

  assert {
    condition = jsondecode(output.settings.rules["security-group-ssh-open"]) == {
      version           = 2
      rule              = "security-group-ssh-open"
      mode              = "enforce"
      mode_by_account   = {}
      mode_by_group     = {}
      accounts          = ["222222222222"]
      excluded_accounts = []
      excluded_groups   = []
      method            = "runbook"
      runbook_then      = "api"
      poll_minutes      = 60
      limits            = { per_account_per_hour = 50, per_rule_per_hour = 200 }
      breaker           = { changes = 5, failed_percent = 50 }
      options           = { all_traffic = "revoke" }
      exemptions        = []
    }
    error_message = "Settings: ${output.settings.rules["security-group-ssh-open"]}"
  }

  assert {
    condition     = toset(keys(aws_scheduler_schedule.rule)) == toset(["s3-bucket-public", "security-group-ssh-open"])
    error_message = "Schedules: ${join(", ", keys(aws_scheduler_schedule.rule))}"
  }

  assert {
    condition = alltrue([
      jsondecode(aws_scheduler_schedule.rule["security-group-ssh-open"].target[0].input).rule == "security-group-ssh-open",
      jsondecode(aws_scheduler_schedule.rule["security-group-ssh-open"].target[0].input).netskope_rule_names == ["Our own SSH rule"],
    ])
    error_message = "Input: ${aws_scheduler_schedule.rule["security-group-ssh-open"].target[0].input}"
  }

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "\"security-group-ssh-open\"") && !strcontains(aws_cloudwatch_dashboard.this[0].dashboard_body, "CIS-1-2-0-4-1")
    error_message = "Metrics are counted by id: ${aws_cloudwatch_dashboard.this[0].dashboard_body}"
  }
}
