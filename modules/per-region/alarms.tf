locals {
  # By name, so that a plan fails if an alarm names a metric that the functions do not publish.
  metric = { for name in keys(jsondecode(file("${path.module}/../catalog.json")).metrics) : name => name }

  alarms = {
    jobs-dead-letters = {
      description = "Jobs that failed ${module.typed.queue.max_receive_count} times, and messages that are not jobs, are in ${local.dead_letters_name}. The log of ${local.remediator_name} says why. Fix the cause, then redrive them."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.dead_letters_name }
      statistic   = "Maximum"
    }
    jobs-delayed-dead-letters = {
      description = "Follow-up jobs for long-running changes could not be forwarded in ${module.typed.queue.max_receive_count} attempts, and are in ${local.delayed_dead_letters_name}. The log of ${local.remediator_name} says why. Fix the cause, then redrive them."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.delayed_dead_letters_name }
      statistic   = "Maximum"
    }
    remediator-errors = {
      description = "${local.remediator_name} failed; its jobs return to the queue. Its log group says why."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = local.remediator_name }
      statistic   = "Sum"
      # If the failures continue, jobs-dead-letters reports them.
      told_by = "alarm"
    }
    oldest-job = {
      description = "A job has waited more than ${module.typed.alarms.oldest_job_minutes} minutes in ${local.queue_name}: jobs arrive faster than they are processed, or an account's job fails repeatedly."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = local.queue_name }
      statistic   = "Maximum"
      threshold   = module.typed.alarms.oldest_job_minutes * 60
      # jobs-waiting reports it, unless jobs-dead-letters or remediator-throttled does.
      told_by = "alarm"
    }
    unexpected-errors = {
      description = "${local.remediator_name} had an unexpected error. The finding is attempted again; after the last attempt, the job goes to ${local.dead_letters_name}. Its log group contains the stack trace."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.UnexpectedError
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      # As above.
      told_by = "alarm"
    }
    jobs-near-retention = {
      description = "A job in ${local.queue_name} has waited for three quarters of the queue's retention of ${module.typed.queue.retention_days} days. At the end of that time, SQS silently deletes it. The log of ${local.remediator_name} says what delays its account."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = local.queue_name }
      statistic   = "Maximum"
      threshold   = module.typed.queue.retention_days * local.day * 0.75
    }
    jobs-delayed-near-retention = {
      description = "A job in ${local.delayed_name} has waited for three quarters of the queue's retention of ${module.typed.queue.retention_days} days. At the end of that time, SQS silently deletes it. The log of ${local.remediator_name} says why it is not forwarded."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = local.delayed_name }
      statistic   = "Maximum"
      threshold   = module.typed.queue.retention_days * local.day * 0.75
    }
    take-back-failed = {
      description = "An incomplete change could not be rolled back: something may be open that was closed before. The log of ${local.remediator_name} in ${local.region} names the resource and the change. Remove the access by hand."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.TakeBackFailed
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      period      = 60
    }
    roles-missing = {
      description = "Accounts have findings, but no role that the remediators can assume, so nothing is checked there. After an account joined, a StackSet may still be running. To list the accounts, query /aws/lambda/${local.remediator_name} in ${local.region} with CloudWatch Logs Insights: filter message like 'the target role in account' | stats count() by account. Deploy the role there, or name the accounts in excluded_accounts."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.RoleMissing
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      # An event reports each account, once.
      told_by = "bus"
      # Two hours, as below.
      period             = 3600
      evaluation_periods = 2
    }
    findings-recurring = {
      description = "Findings were fixed three times within seven days: somebody or something brings them back. They are still fixed each time. To list them, query /aws/lambda/${local.remediator_name} in ${local.region} with CloudWatch Logs Insights: fields @timestamp, message | filter message like 'keeps violating the rule' | sort @timestamp desc. If Terraform or CloudFormation brings them back, fix that code."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.RecurringFindings
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      # An event reports each finding, once per week.
      told_by            = "bus"
      period             = 3600
      evaluation_periods = 2
    }
    deferrals-lasting = {
      description = "Findings have been deferred for more than notifications.deferred_days days. To see which, and why: cspm-remediation outcomes --since 24h --outcome deferred (the log has each only once, from when it began). Release the hold or end the pause that the reasons name, open the maintenance window, or raise the limit."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.LastingDeferrals
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      # As above.
      told_by            = "bus"
      period             = 3600
      evaluation_periods = 2
    }
    # Events on central's bus notify once per rule and account: hourly for a limit, once for a breaker.
    limit-reached = {
      description = "A limit on changes defers findings; they come first at the next poll. To count them, query /aws/lambda/${local.remediator_name} in ${local.region} with CloudWatch Logs Insights: filter outcome = 'deferred' and message like 'changes at most' | stats count() by rule, account. Wait, raise limits, or pause the rule."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.LimitReached
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      told_by     = "bus"
      # Two hours, as below.
      period             = 3600
      evaluation_periods = 2
    }
    breaker-open = {
      description = "A rule is in dry run in an account, because too many of its changes within an hour failed or were undone (breaker.failed_percent). To see which rules, and why, query /aws/lambda/${local.remediator_name} in ${local.region} with CloudWatch Logs Insights: filter message like 'in dry run in account' | limit 20. Fix the cause, then resume the rule."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.BreakerOpen
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      told_by     = "bus"
      # Two hours, as below.
      period             = 3600
      evaluation_periods = 2
    }
    # A throttled invocation uses up one attempt of a job. New accounts have a quota of ten concurrent executions.
    remediator-throttled = {
      description = "For 15 minutes of the last hour, Lambda refused to start ${local.remediator_name}: the account's concurrency in ${local.region} is exhausted. Request a higher quota (Lambda, concurrent executions), or lower remediator.maximum_concurrency."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = local.remediator_name }
      statistic   = "Sum"
      # A single throttle at the start of a burst is normal while SQS and Lambda adjust their rate.
      # Waiting jobs are processed in the hour after that.
      evaluation_periods = 12
      datapoints         = 3
    }
    findings-failed = {
      description = "Findings were not remediated. To see which, and why, query /aws/lambda/${local.remediator_name} in ${local.region} with CloudWatch Logs Insights: fields @timestamp, message | filter outcome = 'failed' | sort @timestamp desc. Fix what the reasons name; the findings are then attempted again. The record of what was seen, planned, and done is in s3://${var.link.evidence_bucket}/outcomes/, by day and rule."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.FailedFindings
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      # Two hours, so that an hourly poll with the same result sends no new message.
      period             = 3600
      evaluation_periods = 2
    }
    alarms-dead-letters = {
      description = "State changes of alarms could not be forwarded to ${var.link.event_bus_arn}, so no notification was sent; they are in ${local.alarms_dead_letters_name}. Check the role ${local.name}-alarms-${local.region}."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.alarms_dead_letters_name }
      statistic   = "Maximum"
    }
    requests-ignored = {
      description = "A message referred to a request (such as an undo) that no operator wrote, that does not match, or that cannot be parsed. Nothing was changed. The log of ${local.remediator_name} in ${local.region} says which and why. Either an operator's undo does not happen, or somebody else sends messages to ${local.queue_name}."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.RequestIgnored
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
    }
    settings-invalid = {
      description = "Settings in s3://${var.link.settings_bucket}, or the pause in /${local.name}/pause, cannot be read or parsed, so nothing is changed. The log of ${local.remediator_name} says which and why. Apply Terraform again, or correct the pause parameter."
      namespace   = var.link.metrics_namespace
      metric      = local.metric.SettingsInvalid
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      # An event reports it, once a day for all rules and regions.
      told_by = "bus"
    }
  }
}

locals {
  # Sends one message if several alarms have the same cause.
  combined_alarms = {
    jobs-waiting = {
      description = "A job has waited more than ${module.typed.alarms.oldest_job_minutes} minutes in ${local.queue_name}: jobs arrive faster than they are processed, or an account's job fails repeatedly. The log of ${local.remediator_name} says which."
      any         = ["oldest-job"]
      # Jobs that cannot be processed delay others.
      unless = ["jobs-dead-letters", "remediator-throttled"]
    }
  }
}

module "alarms" {
  source = "../_alarms"

  name       = local.name
  alarms     = { for name, alarm in local.alarms : name => alarm if module.typed.alarms.enabled }
  combined   = { for name, alarm in local.combined_alarms : name => alarm if module.typed.alarms.enabled }
  topic_arns = module.typed.alarms.topic_arns
  tags       = var.link.tags
}

moved {
  from = aws_cloudwatch_metric_alarm.this
  to   = module.alarms.aws_cloudwatch_metric_alarm.this
}

# CloudWatch sends state changes of alarms to the region's default bus. This rule forwards them to central's bus, whose rules send
# notifications. An alarm can only notify topics of its own region. Outside the partition `aws`, EventBridge does not route
# events between regions.

locals {
  forwards_alarms          = module.typed.alarms.enabled && var.link.notifications && module.typed.alarms.forward
  alarms_dead_letters_name = "${local.name}-alarms-dead-letters"

  alarms_pattern = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    resources   = [for name in concat(module.alarms.messages, [for name in keys(local.combined_alarms) : "${local.name}-${name}"]) : "arn:${var.link.partition}:cloudwatch:${local.region}:${var.link.security_account_id}:alarm:${name}"]
  })
}

data "aws_service_principal" "events" {
  service_name = "events"
}

resource "aws_cloudwatch_event_rule" "alarms" {
  count = local.forwards_alarms ? 1 : 0

  name        = "${local.name}-forward-alarms"
  description = "Forwards state changes of the alarms of ${local.name} in this region to ${var.link.event_bus_arn}."

  event_pattern = local.alarms_pattern
  tags          = var.link.tags

  lifecycle {
    precondition {
      condition     = length(local.alarms_pattern) <= 2048
      error_message = "The event pattern of the alarms has ${length(local.alarms_pattern)} characters; EventBridge accepts 2048. Choose a shorter `name`."
    }
  }
}

resource "aws_cloudwatch_event_target" "alarms" {
  count = local.forwards_alarms ? 1 : 0

  rule      = aws_cloudwatch_event_rule.alarms[0].name
  target_id = "central"
  arn       = var.link.event_bus_arn
  role_arn  = aws_iam_role.alarms[0].arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 185
  }

  dead_letter_config {
    arn = aws_sqs_queue.alarms_dead_letters[0].arn
  }
}

# Alarms that could not be forwarded. EventBridge requires the queue in its rule's region. An alarm on this queue could not be
# forwarded either, so `topic_arns` and the dashboard report it.
resource "aws_sqs_queue" "alarms_dead_letters" {
  count = local.forwards_alarms ? 1 : 0

  name                      = local.alarms_dead_letters_name
  message_retention_seconds = module.typed.queue.dead_letter_retention_days * local.day
  sqs_managed_sse_enabled   = local.keys.queues == null ? true : null
  kms_master_key_id         = local.keys.queues
  tags                      = var.link.tags
}

resource "aws_sqs_queue_policy" "alarms_dead_letters" {
  count = local.forwards_alarms ? 1 : 0

  queue_url = aws_sqs_queue.alarms_dead_letters[0].url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyItsOwnRule"
      Effect    = "Allow"
      Principal = { Service = data.aws_service_principal.events.name }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.alarms_dead_letters[0].arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.alarms[0].arn } }
    }]
  })
}

resource "aws_iam_role" "alarms" {
  count = local.forwards_alarms ? 1 : 0

  name                 = "${local.name}-alarms-${local.region}"
  path                 = var.link.iam_path
  permissions_boundary = var.link.permissions_boundary_arn
  description          = "Forwards the alarms of ${local.name} in ${local.region}."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = data.aws_service_principal.events.name }
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.link.security_account_id }
        ArnEquals    = { "aws:SourceArn" = aws_cloudwatch_event_rule.alarms[0].arn }
      }
    }]
  })

  tags = var.link.tags
}

resource "aws_iam_role_policy" "alarms" {
  count = local.forwards_alarms ? 1 : 0

  name = "work"
  role = aws_iam_role.alarms[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["events:PutEvents"]
      Resource = [var.link.event_bus_arn]
    }]
  })
}
