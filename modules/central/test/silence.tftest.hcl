# One alarm reports rules that are no longer polled; one alarm per rule reports polls in which nothing matches.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
}

run "one_message_for_any_number_of_rules" {
  command = plan

  variables {
    alarms = { topic_arns = ["arn:aws:sns:eu-central-1:111111111111:topic"] }
    rules  = { s3-bucket-public = {}, redshift-cluster-public = {}, vpc-flow-logs-disabled = { mode = "off" } }
  }

  # For example, Netskope is unreachable: polls fail, which is reported, and two periods later no rule has been polled.
  assert {
    condition = module.alarms.combined["rules-not-polled"].alarm_rule == join("", [
      "(ALARM(\"cspm-auto-remediation-checks-missing\") OR ALARM(\"cspm-auto-remediation-polls-overdue\")) AND NOT ",
      "(ALARM(\"cspm-auto-remediation-polls-failing\"))",
    ])
    error_message = "Rule: ${module.alarms.combined["rules-not-polled"].alarm_rule}"
  }

  # The same for your own topic.
  assert {
    condition = toset([for name, alarm in merge(module.alarms.alarms, module.alarms.combined) : name if contains(alarm.alarm_actions, "arn:aws:sns:eu-central-1:111111111111:topic")]) == toset([
      "findings-unprocessable", "notifications-dead-letters", "polls-dead-letters", "polls-skipped", "rules-not-polled",
    ])
    error_message = "Alarms: ${jsonencode({ for name, alarm in module.alarms.alarms : name => alarm.alarm_actions })}"
  }

  # The collector checks every hour, regardless of the schedules. The alarm on these checks has data each hour, or fires.
  assert {
    condition = alltrue([
      aws_scheduler_schedule.check[0].schedule_expression == "rate(1 hour)",
      module.alarms.alarms["polls-overdue"].metric_name == "PollOverdue" && module.alarms.alarms["polls-overdue"].treat_missing_data == "notBreaching",
      module.alarms.alarms["polls-overdue"].period == 3600,
      alltrue([
        for alarm in [module.alarms.alarms["checks-missing"]] : alltrue([
          alarm.metric_name == "PollsChecked" && alarm.treat_missing_data == "breaching",
          alarm.comparison_operator == "LessThanThreshold" && alarm.threshold == 1,
          alarm.period == 3600 && alarm.datapoints_to_alarm == alarm.evaluation_periods && alarm.evaluation_periods > 1,
        ])
      ]),
    ])
    error_message = "Alarms: ${jsonencode(module.alarms.alarms)}"
  }

  # The initial state, before the first check, sends no message.
  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.notifications["missing-polls"].event_pattern).resources == ["arn:aws:cloudwatch:eu-central-1:111111111111:alarm:cspm-auto-remediation-rules-not-polled"] &&
      jsondecode(aws_cloudwatch_event_rule.notifications["missing-polls"].event_pattern).detail["$or"][0] == { state = { value = ["ALARM"] }, previousState = { value = ["OK"] } } &&
      strcontains(aws_cloudwatch_event_target.notifications["missing-polls"].input_transformer[0].input_template, "Rules are not being polled")
    )
    error_message = "Pattern: ${aws_cloudwatch_event_rule.notifications["missing-polls"].event_pattern}"
  }

  # Two hourly polls, and four hours.
  assert {
    condition = alltrue([
      for alarm in [module.alarms.alarms["polls-failing"]] : alltrue([
        alarm.metric_name == "NumberOfMessagesSent" && alarm.dimensions == tomap({ QueueName = "cspm-auto-remediation-polls-dead-letters" }),
        alarm.period * alarm.evaluation_periods == 6 * 3600 && alarm.datapoints_to_alarm == 1,
        length(alarm.alarm_actions) == 0,
      ])
    ])
    error_message = "Alarm: ${jsonencode(module.alarms.alarms["polls-failing"])}"
  }
}

run "failing_polls_for_two_of_the_longest_periods" {
  command = plan

  variables {
    rules = { s3-bucket-public = {}, redshift-cluster-public = { schedule_expression = "rate(12 hours)" } }
  }

  assert {
    condition     = module.alarms.alarms["polls-failing"].evaluation_periods == 28
    error_message = "Hours: ${module.alarms.alarms["polls-failing"].evaluation_periods}"
  }
}

# The limits of PutMetricAlarm.
run "seven_days_for_a_cron" {
  command = plan

  variables {
    rules = { s3-bucket-public = { schedule_expression = "cron(0 6 ? * MON *)" }, redshift-cluster-public = { schedule_expression = "rate(9 days)" } }
  }

  assert {
    condition     = module.alarms.alarms["polls-failing"].evaluation_periods == 168
    error_message = "Hours: ${module.alarms.alarms["polls-failing"].evaluation_periods}"
  }
}

run "no_rules_no_checks" {
  command = plan

  variables {
    rules = { s3-bucket-public = { mode = "off" } }
  }

  assert {
    condition     = !contains(keys(module.alarms.alarms), "checks-missing") && length(aws_scheduler_schedule.check) == 0
    error_message = "Nothing is polled: ${join(", ", keys(module.alarms.alarms))}"
  }
}

run "unmatched_items" {
  command = plan

  variables {
    rules = { s3-bucket-public = {}, security-group-ssh-open = { schedule_expression = "cron(0 6 ? * MON *)" }, vpc-flow-logs-disabled = { mode = "off" } }
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.items_unmatched)) == toset(["s3-bucket-public", "security-group-ssh-open"])
    error_message = "Every polled rule must have the alarm: ${join(", ", keys(aws_cloudwatch_metric_alarm.items_unmatched))}"
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
