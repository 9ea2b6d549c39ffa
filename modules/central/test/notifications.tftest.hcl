mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { s3-bucket-public = {} }
}

run "alarms_by_default" {
  command = plan

  variables {
    notifications = { email_addresses = ["security@example.com"] }
  }

  # No message for a single finding: one alarm reports all failures.
  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.notifications)) == toset(["alarms", "finding-notices", "held-back", "missing-polls", "missing-roles", "regional-alarms", "regional-jobs-waiting"])
    error_message = "Rules: ${join(", ", keys(aws_cloudwatch_event_rule.notifications))}"
  }

  assert {
    condition = alltrue([
      for alarm in [module.alarms.alarms["findings-unprocessable"]] : alltrue([
        alarm.metric_name == "UnprocessableFindings",
        alarm.dimensions == tomap({ service = "cspm-auto-remediation-collector" }),
        alarm.period * alarm.evaluation_periods == 7200 && alarm.datapoints_to_alarm == 1,
        strcontains(alarm.alarm_description, "The log of cspm-auto-remediation-collector"),
        strcontains(alarm.alarm_description, "s3://${output.evidence_bucket}/unprocessable/"),
      ])
    ])
    error_message = "Alarm: ${jsonencode(module.alarms.alarms["findings-unprocessable"])}"
  }

  # This module's alarms on the region's default bus, and those that per-region forwards on this module's bus.
  assert {
    condition = alltrue([
      aws_cloudwatch_event_rule.notifications["alarms"].event_bus_name == "default",
      toset([for resource in jsondecode(aws_cloudwatch_event_rule.notifications["alarms"].event_pattern).resources : jsonencode(resource)]) == toset(concat(
        [for name, alarm in module.alarms.alarms : jsonencode("arn:aws:cloudwatch:eu-central-1:111111111111:alarm:${alarm.alarm_name}") if contains(["findings-unprocessable", "polls-dead-letters", "polls-skipped"], name)],
        [jsonencode({ prefix = "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:cspm-auto-remediation-items-unmatched-" })],
      )),
      aws_cloudwatch_event_rule.notifications["regional-alarms"].event_bus_name == "cspm-auto-remediation",
      !can(jsondecode(aws_cloudwatch_event_rule.notifications["regional-alarms"].event_pattern).resources),
      # Another rule reports composite alarms, whose events may lack a description.
      jsondecode(aws_cloudwatch_event_rule.notifications["regional-alarms"].event_pattern).detail.configuration == { alarmRule = [{ exists = false }] },
      jsondecode(aws_cloudwatch_event_rule.notifications["regional-jobs-waiting"].event_pattern).detail.alarmName == ["cspm-auto-remediation-jobs-waiting"],
      !can(aws_cloudwatch_event_target.notifications["regional-jobs-waiting"].input_transformer[0].input_paths.description),
      strcontains(aws_cloudwatch_event_target.notifications["regional-jobs-waiting"].input_transformer[0].input_template, "Jobs have waited too long"),
    ])
    error_message = "Alarms: ${jsonencode(aws_cloudwatch_event_rule.notifications)}"
  }

  # One message per account without the role, not one per finding.
  assert {
    condition = alltrue([
      jsondecode(aws_cloudwatch_event_rule.notifications["held-back"].event_pattern) == {
        source      = ["cspm-auto-remediation"]
        detail-type = ["Rule Held Back"]
      },
      strcontains(aws_cloudwatch_event_target.notifications["held-back"].input_transformer[0].input_template, "<kind>: <words>"),
    ])
    error_message = "Rule: ${jsonencode(aws_cloudwatch_event_rule.notifications["held-back"])}"
  }

  assert {
    condition = alltrue([
      aws_cloudwatch_event_rule.notifications["missing-roles"].event_bus_name == "cspm-auto-remediation",
      jsondecode(aws_cloudwatch_event_rule.notifications["missing-roles"].event_pattern) == {
        source      = ["cspm-auto-remediation"]
        detail-type = ["Target Role Missing"]
      },
      strcontains(aws_cloudwatch_event_target.notifications["missing-roles"].input_transformer[0].input_template, "account <account>"),
    ])
    error_message = "Rule: ${jsonencode(aws_cloudwatch_event_rule.notifications["missing-roles"])}"
  }

  assert {
    condition     = toset(keys(aws_sns_topic_subscription.email)) == toset(["security@example.com"]) && aws_sns_topic_subscription.email["security@example.com"].protocol == "email"
    error_message = "Each address is subscribed."
  }

  assert {
    condition = alltrue([
      # EventBridge delivers nothing if its statement has a condition.
      jsondecode(aws_sns_topic_policy.notifications[0].policy).Statement[0] == {
        Sid       = "EventBridge"
        Effect    = "Allow"
        Principal = { Service = "service.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:eu-central-1:111111111111:mock"
      },
      jsondecode(aws_sns_topic_policy.notifications[0].policy).Statement[1].Condition == {
        StringEquals = { "aws:SourceAccount" = "111111111111" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:cspm-auto-remediation-*" }
      },
      jsondecode(aws_sns_topic_policy.notifications[0].policy).Statement[2].Effect == "Deny",
      output.link.notifications,
      output.notifications_topic_arn == "arn:aws:sns:eu-central-1:111111111111:mock",
    ])
    error_message = "Topic policy: ${aws_sns_topic_policy.notifications[0].policy}"
  }

  # Undelivered notifications are kept, and reported in another way than the one that failed.
  assert {
    condition = alltrue(concat(
      [
        for target in aws_cloudwatch_event_target.notifications :
        target.dead_letter_config[0].arn == aws_sqs_queue.notifications_dead_letters[0].arn && target.retry_policy[0].maximum_event_age_in_seconds == 3600
      ],
      [
        module.alarms.alarms["notifications-dead-letters"].dimensions == tomap({ QueueName = "cspm-auto-remediation-notifications-dead-letters" }),
        module.alarms.alarms["notifications-dead-letters"].alarm_actions == toset([aws_sns_topic.notifications[0].arn]),
        length(module.alarms.alarms["polls-failed"].alarm_actions) == 0,
        jsondecode(aws_sqs_queue_policy.notifications_dead_letters[0].policy).Statement[0].Principal == { Service = "service.amazonaws.com" },
        jsondecode(aws_sqs_queue_policy.notifications_dead_letters[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"][0] == "arn:aws:events:eu-central-1:111111111111:rule/mock",
      ],
    ))
    error_message = "Targets: ${jsonencode(aws_cloudwatch_event_target.notifications)}"
  }
}

# The longest possible names.
run "patterns_within_the_limit_of_eventbridge" {
  command = plan

  override_data {
    target = data.aws_partition.this
    values = { partition = "aws-us-gov" }
  }

  override_data {
    target = data.aws_region.this
    values = { id = "us-gov-west-1" }
  }

  variables {
    name  = "abcdefghijklmnopqrstu"
    rules = { for id in keys(jsondecode(file("../catalog.json")).rules) : id => {} }
  }

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.notifications : length(rule.event_pattern) <= 2048])
    error_message = "Patterns: ${jsonencode([for rule in aws_cloudwatch_event_rule.notifications : length(rule.event_pattern)])}"
  }
}

run "each_finding" {
  command = plan

  variables {
    notifications = { each_finding = true }
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.notifications)) == toset(["alarms", "finding-notices", "findings", "held-back", "missing-polls", "missing-roles", "regional-alarms", "regional-jobs-waiting", "unprocessable"])
    error_message = "Rules: ${join(", ", keys(aws_cloudwatch_event_rule.notifications))}"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.notifications["findings"].event_pattern) == {
      source      = ["cspm-auto-remediation"]
      detail-type = ["Finding Outcome"]
      detail      = { outcome = ["failed"] }
    } && aws_cloudwatch_event_rule.notifications["findings"].event_bus_name == "cspm-auto-remediation"
    error_message = "Findings: ${aws_cloudwatch_event_rule.notifications["findings"].event_pattern}"
  }

  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.notifications["unprocessable"].event_pattern).detail.outcome == ["unprocessable"] &&
      !strcontains(aws_cloudwatch_event_target.notifications["unprocessable"].input_transformer[0].input_template, "<resource>")
    )
    error_message = "An item that could not become a job has no finding to name."
  }

  # EventBridge requires a quoted text, and replaces what is between "<" and ">" if there is a path of that name.
  assert {
    condition = alltrue([
      for target in aws_cloudwatch_event_target.notifications :
      can(jsondecode(target.input_transformer[0].input_template)) &&
      toset(flatten(regexall("<([^>]*)>", target.input_transformer[0].input_template))) == toset(keys(target.input_transformer[0].input_paths))
    ])
    error_message = "Templates: ${jsonencode(aws_cloudwatch_event_target.notifications)}"
  }
}

run "other_outcomes" {
  command = plan

  variables {
    notifications = { each_finding = true, outcomes = ["failed", "deferred"] }
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.notifications)) == toset(["alarms", "finding-notices", "findings", "held-back", "missing-polls", "missing-roles", "regional-alarms", "regional-jobs-waiting"]) && jsondecode(aws_cloudwatch_event_rule.notifications["findings"].event_pattern).detail.outcome == ["deferred", "failed"]
    error_message = "Outcomes: ${aws_cloudwatch_event_rule.notifications["findings"].event_pattern}"
  }

  assert {
    condition     = aws_sns_topic.notifications[0].kms_master_key_id == null && length(aws_sns_topic_subscription.email) == 0
    error_message = "No key by default, because EventBridge cannot use the AWS managed key for SNS."
  }
}

run "each_finding_without_outcomes" {
  command = plan

  variables {
    notifications = { each_finding = true, outcomes = [] }
  }

  # EventBridge would reject a pattern without outcomes.
  assert {
    condition     = toset(keys(aws_cloudwatch_event_rule.notifications)) == toset(["alarms", "finding-notices", "held-back", "missing-polls", "missing-roles", "regional-alarms", "regional-jobs-waiting"])
    error_message = "Rules: ${join(", ", keys(aws_cloudwatch_event_rule.notifications))}"
  }
}

run "disabled_creates_nothing" {
  command = plan

  variables {
    notifications = { enabled = false }
  }

  assert {
    condition = alltrue([
      length(aws_sns_topic.notifications) == 0,
      length(aws_sns_topic_policy.notifications) == 0,
      length(aws_cloudwatch_event_rule.notifications) == 0,
      length(aws_cloudwatch_event_target.notifications) == 0,
      length(aws_sqs_queue.notifications_dead_letters) == 0,
      !contains(keys(module.alarms.alarms), "notifications-dead-letters"),
      !output.link.notifications,
      output.notifications_topic_arn == null,
    ])
    error_message = "Without notifications, nothing must be created for them."
  }
}
