locals {
  remediator_name = "${var.name}-remediator"

  # Colours that say whether to worry.
  outcome_colors = {
    remediated     = "#2ca02c"
    planned        = "#1f77b4"
    compliant      = "#98df8a"
    exempt         = "#c7c7c7"
    gone           = "#7f7f7f"
    not_applicable = "#c5b0d5"
    deferred       = "#ffbb78"
    awaiting_scan  = "#dbdb8d"
    failed         = "#d62728"
    closed         = "#9edae5"
    undone         = "#8c564b"
    undo_refused   = "#e377c2"
  }

  # What the remediators count: the collector counts what is unprocessable.
  outcomes = {
    for name, outcome in local.vocabulary.outcomes : outcome.metric => lookup(local.outcome_colors, name, "#17becf") if name != "unprocessable"
  }

  # One for each rule. Each outcome is the sum over the regions; found and unprocessable are the collector's to count.
  rule_widgets = [
    for rule in keys(local.rules_by_id) : {
      type   = "metric"
      width  = 12
      height = 6
      properties = {
        title   = local.catalog[rule].title
        region  = local.home_region
        view    = "timeSeries"
        stacked = false
        stat    = "Sum"
        period  = 3600
        yAxis   = { left = { min = 0, showUnits = false } }
        metrics = concat(
          [
            [local.metrics_namespace, local.metric.Findings, "service", local.collector_name, "rule", rule, { label = "Found", color = "#000000" }],
            [local.metrics_namespace, local.metric.Unprocessable, "service", local.collector_name, "rule", rule, { label = "Unprocessable", color = "#ff7f0e" }],
          ],
          [
            for outcome, color in local.outcomes :
            [{ expression = "SUM(METRICS(\"${lower(outcome)}_\"))", label = outcome, color = color, id = "sum_${lower(outcome)}" }]
          ],
          flatten([
            for outcome in keys(local.outcomes) : [
              for index, region in local.regions : {
                metric = [local.metrics_namespace, outcome, "service", local.remediator_name, "rule", rule, { region = region, id = "${lower(outcome)}_${index}", visible = false }]
              }
            ]
          ])[*].metric,
        )
      }
    }
  ]

  operation_widgets = [
    {
      type   = "metric"
      width  = 12
      height = 6
      properties = {
        title       = "Age of the oldest job"
        region      = local.home_region
        view        = "timeSeries"
        stat        = "Maximum"
        period      = 300
        yAxis       = { left = { min = 0, label = "seconds", showUnits = false } }
        metrics     = [for region in local.regions : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${var.name}-jobs.fifo", { region = region, label = region }]]
        annotations = { horizontal = [{ label = "an hour", value = 3600 }] }
      }
    },
    {
      type   = "metric"
      width  = 12
      height = 6
      properties = {
        title  = "Dead letters"
        region = local.home_region
        view   = "timeSeries"
        stat   = "Maximum"
        period = 300
        yAxis  = { left = { min = 0, showUnits = false } }
        metrics = concat(
          [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.polls_dead_letters.name, { label = "polls" }]],
          [for region in local.regions : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-jobs-dead-letters.fifo", { region = region, label = "jobs, ${region}" }]],
          [for region in local.regions : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-jobs-delayed-dead-letters", { region = region, label = "delayed jobs, ${region}" }]],
          [for queue in aws_sqs_queue.notifications_dead_letters : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name, { label = "notifications" }]],
          [for region in local.regions : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-alarms-dead-letters", { region = region, label = "alarms, ${region}" }]],
        )
      }
    },
    {
      type   = "metric"
      width  = 12
      height = 6
      properties = {
        title  = "Changed resources per hour, and the lowest limit of a rule"
        region = local.home_region
        view   = "timeSeries"
        stat   = "Sum"
        period = 3600
        yAxis  = { left = { min = 0, showUnits = false } }
        metrics = concat(
          [
            for rule in keys(local.rules_by_id) :
            [{ expression = "SUM(METRICS(\"changed_${replace(rule, "-", "_")}_\"))", label = rule, id = "sum_${replace(rule, "-", "_")}" }]
          ],
          flatten([
            for rule in keys(local.rules_by_id) : [
              for index, region in local.regions : {
                metric = [local.metrics_namespace, local.metric.ChangedResources, "service", local.remediator_name, "rule", rule, { region = region, id = "changed_${replace(rule, "-", "_")}_${index}", visible = false }]
              }
            ]
          ])[*].metric,
        )
        annotations = { horizontal = [for limit in [module.settings.lowest_limit] : { label = "limit per rule", value = limit } if limit != null] }
      }
    },
    {
      type   = "metric"
      width  = 12
      height = 6
      properties = {
        title  = "Findings that limits and holds leave to later"
        region = local.home_region
        view   = "timeSeries"
        stat   = "Sum"
        period = 3600
        yAxis  = { left = { min = 0, showUnits = false } }
        metrics = concat(
          [for region in local.regions : [local.metrics_namespace, local.metric.LimitReached, "service", local.remediator_name, { region = region, label = "limit, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.HeldFindings, "service", local.remediator_name, { region = region, label = "hold, ${region}" }]],
        )
      }
    },
    {
      type   = "metric"
      width  = 24
      height = 6
      properties = {
        title  = "What comes back, and what waits"
        region = local.home_region
        view   = "timeSeries"
        stat   = "Sum"
        period = 3600
        yAxis  = { left = { min = 0, showUnits = false }, right = { min = 0, label = "days", showUnits = false } }
        metrics = concat(
          [for region in local.regions : [local.metrics_namespace, local.metric.RecurringFindings, "service", local.remediator_name, { region = region, label = "fixed again and again, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.LastingDeferrals, "service", local.remediator_name, { region = region, label = "deferred for long, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.OldestDeferral, "service", local.remediator_name, { region = region, label = "oldest deferral, ${region}", stat = "Maximum", yAxis = "right" }]],
        )
      }
    },
    {
      type   = "metric"
      width  = 24
      height = 6
      properties = {
        title  = "What an operator must fix"
        region = local.home_region
        view   = "timeSeries"
        stat   = "Sum"
        period = 300
        yAxis  = { left = { min = 0, showUnits = false } }
        metrics = concat(
          [
            ["AWS/Lambda", "Errors", "FunctionName", local.collector_name, { label = "collector's errors" }],
            [local.metrics_namespace, local.metric.PollFailed, "service", local.collector_name, { label = "failed polls" }],
            [local.metrics_namespace, local.metric.UnknownRegionLabel, "service", local.collector_name, { label = "findings with an unknown region label" }],
          ],
          [for region in local.regions : ["AWS/Lambda", "Errors", "FunctionName", local.remediator_name, { region = region, label = "remediator's errors, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.UnexpectedError, "service", local.remediator_name, { region = region, label = "unexpected errors, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.TakeBackFailed, "service", local.remediator_name, { region = region, label = "changes that could not be taken back, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.BreakerOpen, "service", local.remediator_name, { region = region, label = "jobs that an open breaker held back, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.RoleMissing, "service", local.remediator_name, { region = region, label = "accounts without the role, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.SettingsInvalid, "service", local.remediator_name, { region = region, label = "invalid settings, ${region}" }]],
          [for region in local.regions : [local.metrics_namespace, local.metric.InvalidMessage, "service", local.remediator_name, { region = region, label = "messages that are not jobs, ${region}" }]],
        )
      }
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.dashboard ? 1 : 0

  dashboard_name = var.name
  dashboard_body = jsonencode({
    start   = "-P7D"
    widgets = concat(local.rule_widgets, local.operation_widgets)
  })
}
