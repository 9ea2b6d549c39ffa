# Carries one event per outcome, for whoever wants to know. Notifications are rules on it, and a user's own may be.
resource "aws_cloudwatch_event_bus" "this" {
  name = var.name
  tags = var.tags
}
