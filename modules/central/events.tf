locals {
  # What the functions put on the bus names itself so.
  event_source = "cspm-auto-remediation"
}

# Carries one event an outcome, for whoever wants to know. Notifications are rules on it, and a user's own may be.
resource "aws_cloudwatch_event_bus" "this" {
  name = var.name
  tags = var.tags
}
