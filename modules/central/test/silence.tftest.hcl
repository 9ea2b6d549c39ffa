# That a rule is no longer polled, or that nothing of what a poll gives matches, is an alarm of its own.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
}

run "of_two_periods_whatever_the_schedule" {
  command = plan

  variables {
    schedule = { flexible_window_minutes = 10 }
    rules = {
      iam-access-key-unrotated = { schedule_expression = "rate(5 minutes)" }
      s3-bucket-public         = {}
      redshift-cluster-public  = { schedule_expression = "rate(12 hours)" }
      rds-snapshot-public      = { schedule_expression = "rate(3 days)" }
      # Longer than the seven days that an alarm spans, and of no period: the collector counts PollOverdue.
      security-group-ssh-open = { schedule_expression = "rate(4 days)" }
      security-group-rdp-open = { schedule_expression = "cron(0 6 ? * MON *)" }
      vpc-flow-logs-disabled  = { mode = "off" }
    }
  }

  # In minutes: two periods, the window, and a quarter of an hour for the poll, in whole steps.
  assert {
    condition = { for rule, alarm in aws_cloudwatch_metric_alarm.poll_missing : rule => [alarm.period / 60, alarm.evaluation_periods] } == {
      iam-access-key-unrotated = [15, 3]
      s3-bucket-public         = [15, 10]
      redshift-cluster-public  = [60, 25]
      rds-snapshot-public      = [60, 145]
    }
    error_message = "Periods: ${jsonencode({ for rule, alarm in aws_cloudwatch_metric_alarm.poll_missing : rule => [alarm.period / 60, alarm.evaluation_periods] })}"
  }

  # What PutMetricAlarm takes.
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.poll_missing : alarm.period * alarm.evaluation_periods <= (alarm.period < 3600 ? 86400 : 604800)
    ])
    error_message = "An alarm spans one day, or seven where its period is an hour or more."
  }

  assert {
    condition = alltrue([
      for rule, alarm in aws_cloudwatch_metric_alarm.poll_missing : alltrue([
        alarm.metric_name == "PollSucceeded",
        alarm.dimensions == tomap({ service = "cspm-auto-remediation-collector", rule = rule }),
        alarm.treat_missing_data == "breaching",
        alarm.comparison_operator == "LessThanThreshold" && alarm.threshold == 1,
        alarm.datapoints_to_alarm == alarm.evaluation_periods,
      ])
    ])
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_metric_alarm.poll_missing)}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["polls-overdue"].metric_name == "PollOverdue"
    error_message = "What no alarm can see, the collector counts."
  }

  # Who looks after the other two: a day without a check is reported.
  assert {
    condition = alltrue([
      for alarm in [one(aws_cloudwatch_metric_alarm.check_missing)] : alltrue([
        alarm.alarm_name == "cspm-auto-remediation-poll-missing-check-polls",
        alarm.namespace == "AWS/Lambda" && alarm.metric_name == "Invocations",
        alarm.dimensions == tomap({ FunctionName = "cspm-auto-remediation-collector" }),
        alarm.treat_missing_data == "breaching" && alarm.comparison_operator == "LessThanThreshold" && alarm.threshold == 1,
        # Two of the check's periods.
        aws_scheduler_schedule.check[0].schedule_expression == "rate(12 hours)",
        alarm.period * alarm.evaluation_periods > 86400 && alarm.period * alarm.evaluation_periods <= 604800,
        strcontains(alarm.alarm_description, "security-group-rdp-open, security-group-ssh-open"),
      ])
    ])
    error_message = "Alarm: ${jsonencode(aws_cloudwatch_metric_alarm.check_missing)}"
  }

  # A rule that was just turned on has not been polled yet.
  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.notifications["missing-polls"].event_pattern).resources == [{ prefix = "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:cspm-auto-remediation-poll-missing-" }] &&
      jsondecode(aws_cloudwatch_event_rule.notifications["missing-polls"].event_pattern).detail["$or"][0] == { state = { value = ["ALARM"] }, previousState = { value = ["OK"] } }
    )
    error_message = "Pattern: ${aws_cloudwatch_event_rule.notifications["missing-polls"].event_pattern}"
  }
}

run "of_items_that_do_not_match" {
  command = plan

  variables {
    rules = { s3-bucket-public = {}, security-group-ssh-open = { schedule_expression = "cron(0 6 ? * MON *)" }, vpc-flow-logs-disabled = { mode = "off" } }
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.items_unmatched)) == toset(["s3-bucket-public", "security-group-ssh-open"])
    error_message = "Each rule that is polled: ${join(", ", keys(aws_cloudwatch_metric_alarm.items_unmatched))}"
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.items_unmatched["s3-bucket-public"].metric_query : query.id => join("", [for metric in query.metric : metric.metric_name])
    } == { share = "", unmatched = "UnmatchedItems", matched = "Findings" }
    error_message = "Metrics: ${jsonencode(aws_cloudwatch_metric_alarm.items_unmatched["s3-bucket-public"].metric_query)}"
  }

  assert {
    condition = alltrue([
      for query in aws_cloudwatch_metric_alarm.items_unmatched["s3-bucket-public"].metric_query :
      length(query.metric) == 0 ? query.return_data && query.expression == "100 * unmatched / SUM([unmatched, matched])" : one(query.metric).dimensions == tomap({ service = "cspm-auto-remediation-collector", rule = "s3-bucket-public" })
    ])
    error_message = "Metrics: ${jsonencode(aws_cloudwatch_metric_alarm.items_unmatched["s3-bucket-public"].metric_query)}"
  }
}

run "of_the_check_only_where_a_rule_needs_it" {
  command = plan

  variables {
    rules = { s3-bucket-public = {}, vpc-flow-logs-disabled = { mode = "off", schedule_expression = "cron(0 6 ? * MON *)" } }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.check_missing) == 0
    error_message = "Rules that are polled hourly have alarms of their own."
  }
}
