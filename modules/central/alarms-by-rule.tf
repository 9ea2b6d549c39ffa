# One alarm per rule, because a sum over all rules would hide a single rule whose items no longer match.

locals {
  # Percentage of the items that a poll returns. The source filters items itself, so none are expected.
  unmatched_share = 20
}

resource "aws_cloudwatch_metric_alarm" "items_unmatched" {
  for_each = { for id, rule in local.polled_rules : id => rule if local.inputs.alarms.enabled }

  alarm_name          = "${var.name}-items-unmatched-${each.key}"
  alarm_description   = "More than ${local.unmatched_share} % of the items that the source returned for ${each.key} belong to another rule or cloud, or are for findings that passed their check, and are ignored. The rule may have been renamed: the log of ${local.collector_name} says how many items of each kind there are. Add a new name to netskope_rule_names."
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
    # SUM ignores missing data in a list; `+` would return no data. A poll in which nothing matches counts no findings.
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
