locals {
  remediator_name = "${var.name}-remediator"

  # Colors that show how serious an outcome is.
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

  # Outcomes that the remediators count; the collector counts unprocessable findings.
  outcomes = {
    for name, outcome in local.vocabulary.outcomes : outcome.metric => lookup(local.outcome_colors, name, "#17becf") if name != "unprocessable"
  }

  # One widget per rule. Each outcome is the sum over all regions; the collector counts found and unprocessable findings.
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

  # Metrics of the remediators over all rules, one line per region.
  remediators_count = {
    HeldFindings      = "hold"
    InvalidMessage    = "messages that are not jobs"
    LastingDeferrals  = "deferred for long"
    LimitReached      = "limit"
    OldestDeferral    = "oldest deferral"
    OpenBreakers      = "breakers open"
    RecurringFindings = "fixed again and again"
    RoleMissing       = "accounts without the role"
    SettingsInvalid   = "invalid settings"
    TakeBackFailed    = "changes that could not be taken back"
    UnexpectedError   = "unexpected errors"
  }
  of_remediators = {
    for name, words in local.remediators_count : name => [
      for region in local.regions : [local.metrics_namespace, local.metric[name], "service", local.remediator_name, { region = region, label = "${words}, ${region}" }]
    ]
  }
  of_queues = {
    for queue, words in { "jobs-dead-letters.fifo" = "jobs", jobs-delayed-dead-letters = "delayed jobs", alarms-dead-letters = "alarms" } : queue => [
      for region in local.regions : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-${queue}", { region = region, label = "${words}, ${region}" }]
    ]
  }

  charts = [
    {
      title       = "Age of the oldest job"
      stat        = "Maximum"
      period      = 300
      yAxis       = { left = { min = 0, label = "seconds", showUnits = false } }
      metrics     = [for region in local.regions : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${var.name}-jobs.fifo", { region = region, label = region }]]
      annotations = { horizontal = [{ label = "an hour", value = 3600 }] }
    },
    {
      title  = "Dead letters"
      stat   = "Maximum"
      period = 300
      metrics = concat(
        [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.polls_dead_letters.name, { label = "polls" }]],
        local.of_queues["jobs-dead-letters.fifo"],
        local.of_queues.jobs-delayed-dead-letters,
        [for queue in aws_sqs_queue.notifications_dead_letters : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name, { label = "notifications" }]],
        local.of_queues.alarms-dead-letters,
      )
    },
    {
      title = "Limits used within an hour, percent of per_rule_per_hour"
      metrics = concat(
        [
          for rule in keys(local.rules_by_id) :
          [{ expression = "100 * SUM(METRICS(\"changed_${replace(rule, "-", "_")}_\")) / ${module.settings.rule_limits[rule]}", label = rule, id = "sum_${replace(rule, "-", "_")}" }]
        ],
        flatten([
          for rule in keys(local.rules_by_id) : [
            for index, region in local.regions : {
              metric = [local.metrics_namespace, local.metric.ChangedResources, "service", local.remediator_name, "rule", rule, { region = region, id = "changed_${replace(rule, "-", "_")}_${index}", visible = false }]
            }
          ]
        ])[*].metric,
      )
      annotations = { horizontal = [{ label = "limit", value = 100 }] }
    },
    {
      title = "Limits used within an hour by the account that uses the most, percent of per_account_per_hour"
      stat  = "Maximum"
      metrics = concat(
        [
          for rule in keys(local.rules_by_id) :
          [{ expression = "MAX(METRICS(\"account_${replace(rule, "-", "_")}_\"))", label = rule, id = "max_${replace(rule, "-", "_")}" }]
        ],
        flatten([
          for rule in keys(local.rules_by_id) : [
            for index, region in local.regions : {
              metric = [local.metrics_namespace, local.metric.AccountLimitUsed, "service", local.remediator_name, "rule", rule, { region = region, id = "account_${replace(rule, "-", "_")}_${index}", visible = false }]
            }
          ]
        ])[*].metric,
      )
      annotations = { horizontal = [{ label = "limit", value = 100 }] }
    },
    {
      title   = "Findings deferred by limits and holds"
      metrics = concat(local.of_remediators.LimitReached, local.of_remediators.HeldFindings)
    },
    {
      title = "Recurring findings, and the oldest deferral"
      width = 24
      yAxis = { left = { min = 0, showUnits = false }, right = { min = 0, label = "days", showUnits = false } }
      metrics = concat(
        local.of_remediators.RecurringFindings,
        local.of_remediators.LastingDeferrals,
        [for metric in local.of_remediators.OldestDeferral : concat(slice(metric, 0, 4), [merge(metric[4], { stat = "Maximum", yAxis = "right" })])],
      )
    },
    {
      title  = "What an operator must fix"
      width  = 24
      period = 300
      metrics = concat(
        [
          ["AWS/Lambda", "Errors", "FunctionName", local.collector_name, { label = "collector's errors" }],
          [local.metrics_namespace, local.metric.PollFailed, "service", local.collector_name, { label = "failed polls" }],
          [local.metrics_namespace, local.metric.UnknownRegionLabel, "service", local.collector_name, { label = "findings with an unknown region label" }],
        ],
        [for region in local.regions : ["AWS/Lambda", "Errors", "FunctionName", local.remediator_name, { region = region, label = "remediator's errors, ${region}" }]],
        local.of_remediators.UnexpectedError,
        local.of_remediators.TakeBackFailed,
        local.of_remediators.OpenBreakers,
        local.of_remediators.RoleMissing,
        local.of_remediators.SettingsInvalid,
        local.of_remediators.InvalidMessage,
      )
    },
  ]

  operation_widgets = [
    for chart in local.charts : {
      type   = "metric"
      width  = try(chart.width, 12)
      height = 6
      properties = merge(
        {
          title   = chart.title
          region  = local.home_region
          view    = "timeSeries"
          stat    = try(chart.stat, "Sum")
          period  = try(chart.period, 3600)
          yAxis   = try(chart.yAxis, { left = { min = 0, showUnits = false } })
          metrics = chart.metrics
        },
        { for word in ["annotations"] : word => chart.annotations if can(chart.annotations) },
      )
    }
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
