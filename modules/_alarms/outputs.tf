output "alarms" {
  description = "The metric alarms, by name."
  value       = aws_cloudwatch_metric_alarm.this
}

output "combined" {
  description = "The composite alarms, by name."
  value       = aws_cloudwatch_composite_alarm.this
}

output "messages" {
  description = "The full names of the metric alarms that send notifications themselves."
  value       = [for name, alarm in var.alarms : "${var.name}-${name}" if alarm.told_by == "itself"]
}
