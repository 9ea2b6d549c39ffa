mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  regions         = ["eu-central-1", "us-east-1"]
  rules           = { s3-bucket-public = {}, security-group-ssh-open = {} }
}

run "by_default" {
  command = plan

  assert {
    condition = [for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.properties.title] == [
      "S3 buckets are not public", "Security groups do not open SSH (port 22) to the world", "Age of the oldest job", "Dead letters",
      "Limits used within an hour, percent of per_rule_per_hour",
      "Limits used within an hour by the account that uses the most, percent of per_account_per_hour", "Findings deferred by limits and holds", "Recurring findings, and the oldest deferral", "What an operator must fix",
    ]
    error_message = "Widgets: ${jsonencode([for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget.properties.title])}"
  }

  # Every outcome that can be counted, in every region; the sums refer to their metrics.
  assert {
    condition = toset([
      for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[0].properties.metrics :
      join(" ", [metric[1], try(element(metric, length(metric) - 1).region, "eu-central-1")]) if length(metric) > 1
      ]) == toset(concat(["Findings eu-central-1", "Unprocessable eu-central-1"], [
        for pair in setproduct(["Remediated", "Planned", "Compliant", "Exempt", "Deferred", "AwaitingScan", "Gone", "NotApplicable", "Failed", "Closed", "Undone", "UndoRefused"], ["eu-central-1", "us-east-1"]) : join(" ", pair)
    ]))
    error_message = "Metrics: ${aws_cloudwatch_dashboard.this[0].dashboard_body}"
  }

  assert {
    condition = alltrue([
      for sum in [for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[0].properties.metrics : metric[0].expression if length(metric) == 1] :
      length([
        for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[0].properties.metrics :
        metric if length(metric) > 1 && strcontains(try(element(metric, length(metric) - 1).id, ""), one(regex("METRICS\\(\"(.*)\"\\)", sum)))
      ]) == 2
    ])
    error_message = "Each sum must contain one metric per region: ${aws_cloudwatch_dashboard.this[0].dashboard_body}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[2].properties.metrics[*][3] == ["cspm-auto-remediation-jobs.fifo", "cspm-auto-remediation-jobs.fifo"]
    error_message = "There must be an age for each region's queue."
  }
}

run "used_limits_per_rule" {
  command = plan

  variables {
    limits = { per_rule_per_hour = 90 }
    rules  = { s3-bucket-public = { limits = { per_rule_per_hour = 30 } }, security-group-ssh-open = {} }
  }

  assert {
    condition = {
      for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[4].properties.metrics : metric[0].label => metric[0].expression if length(metric) == 1
      } == {
      s3-bucket-public        = "100 * SUM(METRICS(\"changed_s3_bucket_public_\")) / 30"
      security-group-ssh-open = "100 * SUM(METRICS(\"changed_security_group_ssh_open_\")) / 90"
    } && length([for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[4].properties.metrics : metric if try(metric[1] == "ChangedResources", false)]) == 4
    error_message = "Widget: ${jsonencode(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[4])}"
  }
}

# The use of an account's limit is already a percentage, so the highest value of all regions counts.
run "used_limits_of_accounts" {
  command = plan

  assert {
    condition = {
      for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[5].properties.metrics : metric[0].label => metric[0].expression if length(metric) == 1
      } == {
      s3-bucket-public        = "MAX(METRICS(\"account_s3_bucket_public_\"))"
      security-group-ssh-open = "MAX(METRICS(\"account_security_group_ssh_open_\"))"
    } && length([for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[5].properties.metrics : metric if try(metric[1] == "AccountLimitUsed", false)]) == 4
    error_message = "Widget: ${jsonencode(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[5])}"
  }
}

# Used limits, holds, recurring findings, the oldest deferral, and open breakers, each in every region.
run "gates" {
  command = plan

  assert {
    condition = alltrue([
      for title, names in {
        "Findings deferred by limits and holds"       = ["LimitReached", "HeldFindings"]
        "Recurring findings, and the oldest deferral" = ["RecurringFindings", "LastingDeferrals", "OldestDeferral"]
        "What an operator must fix"                   = ["OpenBreakers", "RoleMissing", "SettingsInvalid", "TakeBackFailed", "UnexpectedError", "InvalidMessage"]
        } : alltrue([
          for pair in setproduct(names, ["eu-central-1", "us-east-1"]) : length([
            for metric in one([for widget in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets : widget if widget.properties.title == title]).properties.metrics :
            metric if metric[1] == pair[0] && try(element(metric, length(metric) - 1).region, "") == pair[1]
          ]) == 1
      ])
    ])
    error_message = "Widgets: ${aws_cloudwatch_dashboard.this[0].dashboard_body}"
  }

  assert {
    condition = alltrue([
      for metric in jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[7].properties.metrics :
      metric[1] != "OldestDeferral" || try(metric[4].stat == "Maximum" && metric[4].yAxis == "right", false)
    ])
    error_message = "The oldest deferral is a number of days: ${jsonencode(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets[7])}"
  }
}

run "disabled_creates_nothing" {
  command = plan

  variables {
    dashboard = false
  }

  assert {
    condition     = length(aws_cloudwatch_dashboard.this) == 0
    error_message = "No dashboard."
  }
}
