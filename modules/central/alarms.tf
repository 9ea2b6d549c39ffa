locals {
  alarms = merge(
    {
      collector-errors = {
        description = "${local.collector_name} failed: a poll did not reach its end. Its log group says why."
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = local.collector_name }
        statistic   = "Sum"
        # What lasts of it is told by polls-dead-letters: one message per cause.
        is_passed_on = false
      }
      polls-failed = {
        description = "The source could not be asked for a rule's findings, after all retries. The log of ${local.collector_name} says which rule and why."
        namespace   = local.metrics_namespace
        metric      = local.metric.PollFailed
        dimensions  = { service = local.collector_name }
        statistic   = "Sum"
        # As above.
        is_passed_on = false
      }
      polls-dead-letters = {
        description = "Polls that could not be started, or failed after all attempts, are in ${aws_sqs_queue.polls_dead_letters.name}."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = aws_sqs_queue.polls_dead_letters.name }
        statistic   = "Maximum"
      }
      polls-dropped = {
        description = "EventBridge Scheduler gave up on a poll of the group ${var.name}: it could not start ${local.collector_name}. Look at the role ${var.name}-scheduler and at the function."
        namespace   = "AWS/Scheduler"
        metric      = "InvocationDroppedCount"
        dimensions  = { ScheduleGroup = aws_scheduler_schedule_group.this.name }
        statistic   = "Sum"
        # As above.
        is_passed_on = false
      }
      # What an alarm can't see: rules whose two periods are longer than the seven days that an alarm spans, or that
      # poll by a cron.
      polls-overdue = {
        description = "A rule has not been polled successfully for two of its periods. The log of ${local.collector_name} says which."
        namespace   = local.metrics_namespace
        metric      = local.metric.PollOverdue
        dimensions  = { service = local.collector_name }
        statistic   = "Sum"
        # Of two days, so that a rule that stays overdue is one message.
        period             = 86400
        evaluation_periods = 2
      }
      polls-skipped = {
        description = "Jobs of an account and region have not been done for twelve hours, so that polls make no further ones there. The log of ${local.collector_name} names rule, account and region."
        namespace   = local.metrics_namespace
        metric      = local.metric.PollSkippedLasting
        dimensions  = { service = local.collector_name }
        statistic   = "Sum"
        # Of two days, so that what lasts is one message.
        period             = 86400
        evaluation_periods = 2
      }
      findings-unprocessable = {
        description = "Findings could not become jobs, so nobody works on them. The log of ${local.collector_name} says how many of which rule, and names unknown region labels: region_labels in central takes those. Each finding is with its reason in s3://${local.evidence_bucket}/unprocessable/, by rule and poll."
        namespace   = local.metrics_namespace
        metric      = local.metric.UnprocessableFindings
        dimensions  = { service = local.collector_name }
        statistic   = "Sum"
        # Of two hours, so that an hourly poll with the same result is no news.
        period             = 3600
        evaluation_periods = 2
      }
    },
    # What notifications can't tell of: that they don't arrive. So CloudWatch tells the topic itself.
    { for queue in aws_sqs_queue.notifications_dead_letters : "notifications-dead-letters" => {
      description = "Notifications could not be delivered to the topic ${coalesce(local.inputs.notifications.topic_arn, "${var.name}-notifications")}, and are in ${queue.name}. Look at the policies of the topic and, if it has one, of its KMS key."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = queue.name }
      statistic   = "Maximum"
      directly    = true
    } },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => alarm if local.inputs.alarms.enabled }

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
  alarm_actions       = concat(local.inputs.alarms.topic_arns, try(each.value.directly, false) ? local.topic_arns : [])
  ok_actions          = concat(local.inputs.alarms.topic_arns, try(each.value.directly, false) ? local.topic_arns : [])
  tags                = var.tags
}
