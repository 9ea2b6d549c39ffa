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
  for_each = var.alarms.enabled ? local.alarms : {}

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.topic_arns
  ok_actions          = var.alarms.topic_arns
  tags                = var.link.tags
}
