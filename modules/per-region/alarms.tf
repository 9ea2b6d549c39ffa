locals {
  alarms = {
    jobs-dead-letters = {
      description = "Jobs that failed ${var.queue.max_receive_count} times, or were no jobs, lie in ${local.dead_letters_name}. The log of ${local.remediator_name} says why; redrive them once that is mended."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.dead_letters_name }
      statistic   = "Maximum"
      threshold   = 0
    }
    jobs-delayed-dead-letters = {
      description = "Jobs that were to look again at what AWS was at could not be forwarded ${var.queue.max_receive_count} times, and lie in ${local.delayed_dead_letters_name}. The log of ${local.remediator_name} says why; redrive them once that is mended."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.delayed_dead_letters_name }
      statistic   = "Maximum"
      threshold   = 0
    }
    remediator-errors = {
      description = "${local.remediator_name} failed: its jobs go back to the queue. Its log group says why."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = local.remediator_name }
      statistic   = "Sum"
      threshold   = 0
    }
    oldest-job = {
      description = "A job has waited more than ${var.alarms.oldest_job_minutes} minutes in ${local.queue_name}: jobs come in faster than they are worked on, or one account's job fails again and again."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = local.queue_name }
      statistic   = "Maximum"
      threshold   = var.alarms.oldest_job_minutes * 60
    }
    unexpected-errors = {
      description = "${local.remediator_name} met an error that nobody foresaw: the finding is tried again, and in the end the job lies in ${local.dead_letters_name}. Its log group says where it came from."
      namespace   = var.link.metrics_namespace
      metric      = "UnexpectedError"
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      threshold   = 0
    }
    findings-failed = {
      description = "Findings were not cured. Which, and why: CloudWatch Logs Insights on /aws/lambda/${local.remediator_name} in ${local.region}: fields @timestamp, message | filter outcome = 'failed' | sort @timestamp desc. Mend what the reasons name; the next poll looks at the findings again. What was seen, planned and done lies in s3://${var.link.evidence_bucket}/outcomes/, by rule, account and region."
      namespace   = var.link.metrics_namespace
      metric      = "FailedFindings"
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      threshold   = 0
      # Of two hours, so that an hourly poll which comes to the same again is no news.
      period             = 3600
      evaluation_periods = 2
    }
    settings-invalid = {
      description = "A rule's settings in /${local.name}/rules can't be read, so the rule changes nothing. Apply Terraform again; the log of ${local.remediator_name} says what is wrong with which rule's."
      namespace   = var.link.metrics_namespace
      metric      = "SettingsInvalid"
      dimensions  = { service = local.remediator_name }
      statistic   = "Sum"
      threshold   = 0
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => alarm if var.alarms.enabled }

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = try(each.value.period, 300)
  evaluation_periods  = try(each.value.evaluation_periods, 1)
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.topic_arns
  ok_actions          = var.alarms.topic_arns
  tags                = var.link.tags
}

# CloudWatch puts what becomes of alarms on the region's default bus: from there it goes to central's bus, where
# notifications are made of it. An alarm can tell only topics of its own region.

locals {
  forwards_alarms = var.alarms.enabled && var.link.notifications
}

data "aws_service_principal" "events" {
  service_name = "events"
}

resource "aws_cloudwatch_event_rule" "alarms" {
  count = local.forwards_alarms ? 1 : 0

  name        = "${local.name}-forward-alarms"
  description = "What becomes of the alarms of ${local.name} in this region, for ${var.link.event_bus_arn}."

  event_pattern = jsonencode({
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    resources   = [for name in keys(local.alarms) : "arn:${var.link.partition}:cloudwatch:${local.region}:${var.link.security_account_id}:alarm:${local.name}-${name}"]
  })

  tags = var.link.tags
}

resource "aws_cloudwatch_event_target" "alarms" {
  count = local.forwards_alarms ? 1 : 0

  rule      = aws_cloudwatch_event_rule.alarms[0].name
  target_id = "central"
  arn       = var.link.event_bus_arn
  role_arn  = aws_iam_role.alarms[0].arn
}

resource "aws_iam_role" "alarms" {
  count = local.forwards_alarms ? 1 : 0

  name                 = "${local.name}-alarms-${local.region}"
  path                 = var.link.iam_path
  permissions_boundary = var.link.permissions_boundary_arn
  description          = "Passes on the alarms of ${local.name} in ${local.region}."

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
