# One alarm per rule, where a sum over the rules would hide one that is silent, or whose items no longer match.

locals {
  # Two periods, the window in which a poll may begin, and what a poll may take.
  silence_minutes = {
    for id, minutes in module.settings.poll_minutes : id => 2 * minutes + module.settings.schedule.flexible_window_minutes + 15
    if minutes > 0 && contains(keys(local.polled_rules), id)
  }

  # An alarm spans one day, or seven where its period is an hour or more (PutMetricAlarm).
  day_minutes  = 24 * 60
  silence_step = { for id, minutes in local.silence_minutes : id => minutes <= local.day_minutes - 15 ? 15 : 60 }
  silences     = { for id, minutes in local.silence_minutes : id => ceil(minutes / local.silence_step[id]) if minutes <= 7 * local.day_minutes }

  # In percent of what a poll gives. The source filters by itself, so there should be none.
  unmatched_share = 20
}

# Missing data is what it is for. Before a rule's first poll there is none either: the alarm then begins in ALARM, about
# which `notifications` says nothing.
resource "aws_cloudwatch_metric_alarm" "poll_missing" {
  for_each = { for id, periods in local.silences : id => periods if local.inputs.alarms.enabled }

  alarm_name          = "${var.name}-poll-missing-${each.key}"
  alarm_description   = "${each.key} has not been polled successfully for two of its periods (${coalesce(local.polled_rules[each.key].schedule_expression, module.settings.schedule.expression)}), so its findings are not looked at. The log of ${local.collector_name} says why; if it says nothing, look at the schedule ${each.key} in the group ${var.name}."
  namespace           = local.metrics_namespace
  metric_name         = local.metric.PollSucceeded
  dimensions          = { service = local.collector_name, rule = each.key }
  statistic           = "Sum"
  period              = local.silence_step[each.key] * 60
  evaluation_periods  = each.value
  datapoints_to_alarm = each.value
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = local.inputs.alarms.topic_arns
  ok_actions          = local.inputs.alarms.topic_arns
  tags                = var.tags

  # The alarm looks for what the collector counts from now on.
  depends_on = [module.collector]
}

# Rules that no alarm above can see are looked after by a check twice a day: where it stops, nobody else would tell. It
# shows in the collector's invocations, of which polls are some, too: with none in a day neither check nor poll was made.
resource "aws_cloudwatch_metric_alarm" "check_missing" {
  count = local.inputs.alarms.enabled && length(setsubtract(keys(local.polled_rules), keys(local.silences))) > 0 ? 1 : 0

  # One of those about which `notifications` says nothing at the beginning.
  alarm_name          = "${var.name}-poll-missing-check-polls"
  alarm_description   = "${local.collector_name} was not started for a day, neither to poll nor to look for rules that are not polled, so nobody would tell that ${join(", ", sort(setsubtract(keys(local.polled_rules), keys(local.silences))))} is silent. Look at the schedule check-polls of the group ${var.name}: it must be there and enabled."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = local.collector_name }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 25
  datapoints_to_alarm = 25
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = local.inputs.alarms.topic_arns
  ok_actions          = local.inputs.alarms.topic_arns
  tags                = var.tags

  depends_on = [module.collector]
}

resource "aws_cloudwatch_metric_alarm" "items_unmatched" {
  for_each = { for id, rule in local.polled_rules : id => rule if local.inputs.alarms.enabled }

  alarm_name          = "${var.name}-items-unmatched-${each.key}"
  alarm_description   = "More than ${local.unmatched_share} % of what the source gave for ${each.key} is of another rule or cloud, or has passed, and is left alone. The rule may have been renamed: the log of ${local.collector_name} names what came, and netskope_rule_names takes further names."
  evaluation_periods  = 2
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = local.unmatched_share
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.inputs.alarms.topic_arns
  ok_actions          = local.inputs.alarms.topic_arns
  tags                = var.tags

  metric_query {
    id          = "share"
    label       = "unmatched, percent"
    return_data = true
    # Of a list, SUM leaves out what has no data, where a plus would give none: a poll of which nothing matches counts no
    # findings.
    expression = "100 * unmatched / SUM([unmatched, matched])"
  }

  dynamic "metric_query" {
    for_each = { unmatched = local.metric.UnmatchedItems, matched = local.metric.Findings }

    content {
      id = metric_query.key

      metric {
        namespace   = local.metrics_namespace
        metric_name = metric_query.value
        dimensions  = { service = local.collector_name, rule = each.key }
        stat        = "Sum"
        period      = 3600
      }
    }
  }
}
