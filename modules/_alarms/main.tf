resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.evaluation_periods
  datapoints_to_alarm = each.value.minimum == null ? each.value.datapoints : each.value.evaluation_periods
  comparison_operator = each.value.minimum == null ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = coalesce(each.value.minimum, each.value.threshold)
  treat_missing_data  = each.value.minimum == null ? "notBreaching" : "breaching"
  alarm_actions       = local.actions[each.key]
  ok_actions          = local.actions[each.key]
  tags                = var.tags
}

# CloudWatch evaluates a composite alarm's rule whenever one of its alarms changes state. A suppressor would delay only actions, not
# the events on which notifications are based. Therefore, the rule itself contains the alarm on the same cause, which fires first.
resource "aws_cloudwatch_composite_alarm" "this" {
  for_each = var.combined

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description
  alarm_rule        = "(${local.in_alarm[each.key].any}) AND NOT (${local.in_alarm[each.key].unless})"
  alarm_actions     = var.topic_arns
  ok_actions        = var.topic_arns
  tags              = var.tags
}

locals {
  actions = {
    for name, alarm in var.alarms : name => alarm.told_by == "alarm" ? [] : concat(var.topic_arns, alarm.told_by == "topic" ? var.own_topic_arns : [])
  }

  in_alarm = {
    for name, alarm in var.combined : name => {
      for word in ["any", "unless"] : word => join(" OR ", [for part in sort(alarm[word]) : "ALARM(\"${aws_cloudwatch_metric_alarm.this[part].alarm_name}\")"])
    }
  }
}
