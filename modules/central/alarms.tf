locals {
  alarms = merge(
    {
      collector-errors = {
        description = "${local.collector_name} failed, so a poll was not completed. Its log group says why."
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = local.collector_name }
        statistic   = "Sum"
        # If the failures continue, polls-dead-letters reports them.
        told_by = "alarm"
      }
      polls-failed = {
        description = "After all retries, the source could not be queried for a rule's findings. The log of ${local.collector_name} says which rule and why."
        namespace   = local.metrics_namespace
        metric      = local.metric.PollFailed
        dimensions  = { service = local.collector_name }
        statistic   = "Sum"
        told_by     = "alarm"
      }
      polls-dead-letters = {
        description = "Polls that could not be started, or failed after all attempts, are in ${aws_sqs_queue.polls_dead_letters.name}."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = aws_sqs_queue.polls_dead_letters.name }
        statistic   = "Maximum"
      }
      polls-dropped = {
        description = "EventBridge Scheduler gave up on a poll of the group ${var.name}: it could not start ${local.collector_name}. Check the role ${var.name}-scheduler and the function."
        namespace   = "AWS/Scheduler"
        metric      = "InvocationDroppedCount"
        dimensions  = { ScheduleGroup = aws_scheduler_schedule_group.this.name }
        statistic   = "Sum"
        told_by     = "alarm"
      }
      # Covers the longest time for which a poll may be late, so that failing polls are not also reported as rules without polls.
      polls-failing = {
        description        = "Polls are failing, as ${var.name}-polls-dead-letters reported. Meanwhile, no alarm reports rules that are not polled."
        namespace          = "AWS/SQS"
        metric             = "NumberOfMessagesSent"
        dimensions         = { QueueName = aws_sqs_queue.polls_dead_letters.name }
        statistic          = "Sum"
        period             = 3600
        evaluation_periods = local.failing_hours
        told_by            = "alarm"
      }
      # The collector counts this every hour, regardless of the schedules.
      polls-overdue = {
        description        = "A rule has not been polled successfully for two of its periods. The log of ${local.collector_name} says which."
        namespace          = local.metrics_namespace
        metric             = local.metric.PollOverdue
        dimensions         = { service = local.collector_name }
        statistic          = "Sum"
        period             = 3600
        evaluation_periods = 3
        told_by            = "alarm"
      }
      # CloudWatch can only combine alarms of one region, so the collector ignores places that an alarm of their region reports.
      polls-skipped = {
        description = "Jobs of an account and region have not finished for twelve hours, so most polls skip the findings there, and no alarm of that region reports why. The log of ${local.collector_name} names rule, account and region."
        namespace   = local.metrics_namespace
        metric      = local.metric.PollSkippedLasting
        dimensions  = { service = local.collector_name }
        statistic   = "Sum"
        # Two days, so that a lasting condition sends one message.
        period             = 86400
        evaluation_periods = 2
      }
      findings-unprocessable = {
        description = "Findings could not become jobs, so they are not processed. The log of ${local.collector_name} says how many per rule, and names unknown region labels; add those to region_labels in central. Each finding is stored with its reason in s3://${local.evidence_bucket}/unprocessable/, by rule and poll."
        namespace   = local.metrics_namespace
        metric      = local.metric.UnprocessableFindings
        dimensions  = { service = local.collector_name }
        statistic   = "Sum"
        # Two hours, so that an hourly poll with the same result sends no new message.
        period             = 3600
        evaluation_periods = 2
      }
    },
    # Monitors the checks themselves. The alarm begins in ALARM, because no check has run yet.
    { for schedule in aws_scheduler_schedule.check : "checks-missing" => {
      description        = "${local.collector_name} has not checked for four hours whether rules are polled, so a rule without polls would go unnoticed. Check the schedule ${schedule.name} in the group ${var.name}: it must exist and be enabled."
      namespace          = local.metrics_namespace
      metric             = local.metric.PollsChecked
      dimensions         = { service = local.collector_name }
      statistic          = "Sum"
      minimum            = 1
      period             = 3600
      evaluation_periods = 4
      told_by            = "alarm"
    } },
    # Notifications cannot report their own failed delivery, so CloudWatch notifies the topic directly.
    { for queue in aws_sqs_queue.notifications_dead_letters : "notifications-dead-letters" => {
      description = "Notifications could not be delivered to the topic ${coalesce(local.inputs.notifications.topic_arn, "${var.name}-notifications")}, and are in ${queue.name}. Check the policies of the topic and of its KMS key, if it has one."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = queue.name }
      statistic   = "Maximum"
      told_by     = "topic"
    } },
  )
}

locals {
  # Twice the longest period, because a rule is overdue after two periods; at most seven days, CloudWatch's limit. The period of
  # a cron expression is unknown.
  failing_hours = min(168, 4 + max(2, [
    for id, minutes in module.settings.poll_minutes : minutes == 0 ? 168 : ceil(2 * minutes / 60) if contains(keys(local.polled_rules), id)
  ]...))

  # Sends one message if several alarms have the same cause.
  combined_alarms = {
    rules-not-polled = {
      description = local.rules_not_polled
      any         = setintersection(["polls-overdue", "checks-missing"], keys(local.alarms))
      unless      = ["polls-failing"]
    }
  }
  rules_not_polled = "Rules are not being polled although no poll failed. The log of ${local.collector_name} says which rules (polls-overdue). If the log is empty, the collector is not being started (checks-missing): check the schedules of the group ${var.name} and the role ${var.name}-scheduler."
}

module "alarms" {
  source = "../_alarms"

  name           = var.name
  alarms         = { for name, alarm in local.alarms : name => alarm if local.inputs.alarms.enabled }
  combined       = { for name, alarm in local.combined_alarms : name => alarm if local.inputs.alarms.enabled }
  topic_arns     = local.inputs.alarms.topic_arns
  own_topic_arns = local.topic_arns
  tags           = var.tags

  # The alarms rely on metrics that the collector publishes.
  depends_on = [module.collector]
}

moved {
  from = aws_cloudwatch_metric_alarm.this
  to   = module.alarms.aws_cloudwatch_metric_alarm.this
}
