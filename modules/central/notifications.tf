data "aws_service_principal" "events" {
  service_name = "events"
}

data "aws_service_principal" "cloudwatch" {
  service_name = "cloudwatch"
}

locals {

  alarm_paths = {
    alarm       = "$.detail.alarmName"
    state       = "$.detail.state.value"
    reason      = "$.detail.state.reason"
    description = "$.detail.configuration.description"
    region      = "$.region"
    account     = "$.account"
  }
  alarm_arns = "arn:${local.partition}:cloudwatch:${local.home_region}:${local.account_id}:alarm:${var.name}-"
  alarm_text = "<state>: <alarm> in <region>, account <account>. Meaning of the alarm: <description> (<reason>)"

  # Ignores the first OK of a new alarm.
  alarm_states = {
    "$or" = [
      { state = { value = ["ALARM"] } },
      { state = { value = ["OK"] }, previousState = { value = ["ALARM"] } },
    ]
  }

  notification_kinds = {
    findings = {
      wanted      = local.inputs.notifications.each_finding && length(setsubtract(local.inputs.notifications.outcomes, ["unprocessable"])) > 0
      description = "Findings that need a person to act."
      bus         = local.event_bus_name
      pattern = {
        source      = [local.vocabulary.events.source]
        detail-type = [local.vocabulary.events.finding_outcome]
        detail      = { outcome = sort(setsubtract(local.inputs.notifications.outcomes, ["unprocessable"])) }
      }
      paths = {
        outcome  = "$.detail.outcome"
        rule     = "$.detail.poll.rule"
        account  = "$.detail.finding.account"
        region   = "$.detail.finding.region"
        resource = "$.detail.finding.resource"
        reason   = "$.detail.reason"
        evidence = "$.detail.evidence"
      }
      text = "<outcome>: <rule> did not fix <resource> in account <account>, region <region>. Reason: <reason> | It is checked again at a later poll. The record of what was seen, planned, and done is <evidence>"
    }
    unprocessable = {
      wanted      = local.inputs.notifications.each_finding && contains(local.inputs.notifications.outcomes, "unprocessable")
      description = "Findings that could not be processed."
      bus         = local.event_bus_name
      pattern = {
        source      = [local.vocabulary.events.source]
        detail-type = [local.vocabulary.events.finding_outcome]
        detail      = { outcome = ["unprocessable"] }
      }
      paths = {
        rule   = "$.detail.poll.rule"
        reason = "$.detail.reason"
      }
      text = "unprocessable: a finding of <rule> could not be processed. Reason: <reason> | The original from Netskope is in s3://${local.evidence_bucket}/unprocessable/<rule>/"
    }
    # One per account: see lambdas/remediator/record/missing-roles.ts.
    missing-roles = {
      wanted      = true
      description = "Accounts without the role that the remediators assume."
      bus         = local.event_bus_name
      pattern = {
        source      = [local.vocabulary.events.source]
        detail-type = [local.vocabulary.events.target_role_missing]
      }
      paths = {
        account = "$.detail.account"
        region  = "$.detail.region"
        rule    = "$.detail.rule"
        since   = "$.detail.since"
      }
      text = "role missing: account <account> has findings, but since <since> the remediators cannot assume their role there (noticed for <rule> in <region>). The role is missing, or does not trust them. Deploy modules/target there, check the StackSet's operations, or add the account to excluded_accounts. This notification is repeated weekly."
    }
    # Once a week while it lasts: see lambdas/remediator/record/finding-notices.ts.
    finding-notices = {
      wanted      = true
      description = "Findings that keep coming back, and who undid their fixes."
      bus         = local.event_bus_name
      pattern = {
        source      = [local.vocabulary.events.source]
        detail-type = [local.vocabulary.events.finding_notice]
      }
      paths = {
        kind    = "$.detail.kind"
        account = "$.detail.account"
        region  = "$.detail.region"
        rule    = "$.detail.rule"
        words   = "$.detail.words"
      }
      text = "<kind>: <rule> in account <account>, region <region>: <words>. This notification is repeated weekly."
    }
    # One per cause; a limit is repeated hourly, a lasting deferral weekly: see lambdas/remediator/record/notices.ts.
    held-back = {
      wanted      = true
      description = "Rules that a limit, an open circuit breaker, or invalid settings stop, and long deferrals of findings."
      bus         = local.event_bus_name
      pattern = {
        source      = [local.vocabulary.events.source]
        detail-type = [local.vocabulary.events.rule_held_back]
      }
      paths = {
        kind   = "$.detail.kind"
        words  = "$.detail.words"
        region = "$.detail.region"
      }
      text = "<kind>: <words>. (Noticed in <region>)"
    }
    # CloudWatch sends state changes of alarms to the default bus of their region; per-region forwards those of its region.
    alarms = {
      wanted      = true
      description = "Alarms of the collector and its schedules."
      bus         = "default"
      pattern = {
        source      = ["aws.cloudwatch"]
        detail-type = ["CloudWatch Alarm State Change"]
        resources = concat(
          [for name in module.alarms.messages : "${local.alarm_arns}${trimprefix(name, "${var.name}-")}"],
          # By prefix, because there is one alarm per rule, and a pattern is limited to 2,048 characters.
          [{ prefix = "${local.alarm_arns}items-unmatched-" }],
        )
        detail = local.alarm_states
      }
      paths = local.alarm_paths
      text  = local.alarm_text
    }
    # As above, but without the initial state after a deployment, when no check has run yet. Events of composite alarms may lack
    # the description.
    missing-polls = {
      wanted      = true
      description = "Rules that are not polled."
      bus         = "default"
      pattern = {
        source      = ["aws.cloudwatch"]
        detail-type = ["CloudWatch Alarm State Change"]
        resources   = ["${local.alarm_arns}rules-not-polled"]
        detail = {
          "$or" = [
            { state = { value = ["ALARM"] }, previousState = { value = ["OK"] } },
            { state = { value = ["OK"] }, previousState = { value = ["ALARM"] } },
          ]
        }
      }
      paths = { for word, path in local.alarm_paths : word => path if word != "description" }
      text  = replace(local.alarm_text, "<description>", local.rules_not_polled)
    }
    # The only composite alarm in the regions.
    regional-jobs-waiting = {
      wanted      = true
      description = "Jobs that wait too long in a region."
      bus         = local.event_bus_name
      pattern = {
        source      = ["aws.cloudwatch"]
        detail-type = ["CloudWatch Alarm State Change"]
        detail      = merge(local.alarm_states, { alarmName = ["${var.name}-jobs-waiting"] })
      }
      paths = { for word, path in local.alarm_paths : word => path if word != "description" }
      text  = replace(local.alarm_text, "<description>", "Jobs have waited too long (oldest-job): they arrive faster than they are processed, or an account's job fails repeatedly. The log of ${var.name}-remediator there says which.")
    }
    regional-alarms = {
      wanted      = true
      description = "Alarms of the regions."
      bus         = local.event_bus_name
      pattern = {
        source      = ["aws.cloudwatch"]
        detail-type = ["CloudWatch Alarm State Change"]
        # Your own bus may carry other alarms, too.
        detail = merge(
          local.alarm_states,
          { configuration = { alarmRule = [{ exists = false }] } },
          { for word in ["alarmName"] : word => [{ prefix = "${var.name}-" }] if !local.inputs.event_bus.create },
        )
      }
      paths = local.alarm_paths
      text  = local.alarm_text
    }
  }

  notifications = { for name, kind in local.notification_kinds : name => kind if local.inputs.notifications.enabled && kind.wanted }
}

locals {
  makes_topic = local.inputs.notifications.enabled && local.inputs.notifications.create_topic
  topic_arns  = concat(aws_sns_topic.notifications[*].arn, local.inputs.notifications.enabled && !local.inputs.notifications.create_topic ? [local.inputs.notifications.topic_arn] : [])
}

resource "aws_sns_topic" "notifications" {
  count = local.makes_topic ? 1 : 0

  name              = "${var.name}-notifications"
  display_name      = "CSPM auto-remediation"
  kms_master_key_id = local.own_keys.topic
  tags              = var.tags
}

resource "aws_sns_topic_policy" "notifications" {
  count = local.makes_topic ? 1 : 0

  arn = aws_sns_topic.notifications[0].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # No condition, not even one on the rule: EventBridge delivers nothing if its statement has one (EventBridge user
      # guide, "Amazon SNS permissions").
      {
        Sid       = "EventBridge"
        Effect    = "Allow"
        Principal = { Service = data.aws_service_principal.events.name }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.notifications[0].arn
      },
      # Reports undelivered notifications.
      {
        Sid       = "OnlyItsOwnAlarms"
        Effect    = "Allow"
        Principal = { Service = data.aws_service_principal.cloudwatch.name }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.notifications[0].arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account_id }
          ArnLike      = { "aws:SourceArn" = "${local.alarm_arns}*" }
        }
      },
      {
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.notifications[0].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = local.inputs.notifications.email_addresses

  topic_arn = local.topic_arns[0]
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_event_rule" "notifications" {
  for_each = local.notifications

  name           = "${var.name}-${each.key}"
  description    = each.value.description
  event_bus_name = each.value.bus
  event_pattern  = jsonencode(each.value.pattern)
  tags           = var.tags

  lifecycle {
    precondition {
      condition     = length(jsonencode(each.value.pattern)) <= 2048
      error_message = "The event pattern of ${each.key} has ${length(jsonencode(each.value.pattern))} characters; EventBridge accepts 2048. Choose a shorter `name`."
    }
  }
}

resource "aws_cloudwatch_event_target" "notifications" {
  for_each = local.notifications

  rule           = aws_cloudwatch_event_rule.notifications[each.key].name
  event_bus_name = each.value.bus
  target_id      = "topic"
  arn            = local.topic_arns[0]

  # After an hour, the next poll has newer information.
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 185
  }

  dead_letter_config {
    arn = aws_sqs_queue.notifications_dead_letters[0].arn
  }

  # One line, in quotes, as EventBridge requires, with "<" and ">" unescaped, because jsonencode escapes them.
  input_transformer {
    input_paths    = each.value.paths
    input_template = replace(replace(jsonencode(each.value.text), "\\u003c", "<"), "\\u003e", ">")
  }
}

# Notifications that could not be delivered to the topic.
resource "aws_sqs_queue" "notifications_dead_letters" {
  count = local.inputs.notifications.enabled ? 1 : 0

  name                      = "${var.name}-notifications-dead-letters"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = local.own_keys.queues == null ? true : null
  kms_master_key_id         = local.own_keys.queues
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "notifications_dead_letters" {
  count = local.inputs.notifications.enabled ? 1 : 0

  queue_url = aws_sqs_queue.notifications_dead_letters[0].url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyItsOwnRules"
      Effect    = "Allow"
      Principal = { Service = data.aws_service_principal.events.name }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.notifications_dead_letters[0].arn
      Condition = { ArnEquals = { "aws:SourceArn" = [for rule in aws_cloudwatch_event_rule.notifications : rule.arn] } }
    }]
  })
}
