variable "event_bus" {
  description = "The EventBridge bus that carries outcomes, to which your own rules may listen."
  type = object({
    # Whether the bus is made, named after `name`. If not, `name` names one of yours.
    create = optional(bool, true)
    # The name of an existing bus of this account and the home region, other than `default`.
    name = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = (var.event_bus.name != null) == !var.event_bus.create
    error_message = "event_bus has create = ${var.event_bus.create} and ${var.event_bus.name == null ? "no name" : "a name"}: expected a name where create is false, and only there."
  }

  # Alarms would go round on it: they are passed on from there.
  validation {
    condition     = var.event_bus.name == null || can(regex("^[A-Za-z0-9._-]{1,256}$", var.event_bus.name)) && var.event_bus.name != "default"
    error_message = "event_bus.name is \"${coalesce(var.event_bus.name, "null")}\": expected the name of a custom bus, not its ARN and not \"default\", from which alarms are passed on to it."
  }
}

locals {
  event_bus_name = var.event_bus.create ? aws_cloudwatch_event_bus.this[0].name : var.event_bus.name
  event_bus_arn  = var.event_bus.create ? aws_cloudwatch_event_bus.this[0].arn : "arn:${local.partition}:events:${local.home_region}:${local.account_id}:event-bus/${var.event_bus.name}"
}

# Carries one event per outcome, for whoever wants to know. Notifications are rules on it, and a user's own may be.
resource "aws_cloudwatch_event_bus" "this" {
  count = var.event_bus.create ? 1 : 0

  name = var.name
  tags = var.tags
}
