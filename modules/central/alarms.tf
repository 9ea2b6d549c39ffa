locals {
  alarms = {
    collector-errors = {
      description = "${local.collector_name} failed: a poll did not end. Its log group says why."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = local.collector_name }
      statistic   = "Sum"
    }
    polls-failed = {
      description = "Netskope could not be asked for a rule's findings, after all retries. The log of ${local.collector_name} says which rule and why."
      namespace   = local.metrics_namespace
      metric      = "PollFailed"
      dimensions  = { service = local.collector_name }
      statistic   = "Sum"
    }
    polls-dead-letters = {
      description = "Polls that could not be started or failed after all tries lie in ${aws_sqs_queue.polls_dead_letters.name}."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.polls_dead_letters.name }
      statistic   = "Maximum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.alarms.enabled ? local.alarms : {}

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.topic_arns
  ok_actions          = var.alarms.topic_arns
  tags                = var.tags
}
