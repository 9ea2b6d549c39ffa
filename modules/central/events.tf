# Carries one event an outcome, for whoever wants to know: rules on it are the user's.
resource "aws_cloudwatch_event_bus" "this" {
  name = var.name
  tags = var.tags
}
