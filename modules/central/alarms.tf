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
    findings-unprocessable = {
      description = "Findings could not become jobs, so nobody works on them. The log of ${local.collector_name} says how many of which rule, and names unknown region labels: region_labels in central takes those. Each finding lies with its reason in s3://${local.evidence_bucket}/unprocessable/, by rule and poll."
      namespace   = local.metrics_namespace
      metric      = "UnprocessableFindings"
      dimensions  = { service = local.collector_name }
      statistic   = "Sum"
      # Of two hours, so that an hourly poll which comes to the same again is no news.
      period             = 3600
      evaluation_periods = 2
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => alarm if var.alarms.enabled }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = try(each.value.period, 300)
  evaluation_periods  = try(each.value.evaluation_periods, 1)
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarms.topic_arns
  ok_actions          = var.alarms.topic_arns
  tags                = var.tags
}
