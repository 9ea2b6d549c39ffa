locals {
  event_bus_name = local.inputs.event_bus.create ? aws_cloudwatch_event_bus.this[0].name : local.inputs.event_bus.name
  event_bus_arn  = local.inputs.event_bus.create ? aws_cloudwatch_event_bus.this[0].arn : "arn:${local.partition}:events:${local.home_region}:${local.account_id}:event-bus/${local.inputs.event_bus.name}"
}

# Carries one event per changed outcome, and one per job with its counts, for any subscriber. Notifications are rules on this
# bus; you can add your own.
resource "aws_cloudwatch_event_bus" "this" {
  count = local.inputs.event_bus.create ? 1 : 0

  name = var.name
  tags = var.tags
}
