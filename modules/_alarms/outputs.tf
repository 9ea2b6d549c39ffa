output "alarms" {
  description = "The alarms on one metric each, by name."
  value       = aws_cloudwatch_metric_alarm.this
}

output "combined" {
  description = "The alarms on others, by name."
  value       = aws_cloudwatch_composite_alarm.this
}

output "messages" {
  description = "The names of the alarms on one metric that send notifications themselves, with their prefix."
  value       = [for name, alarm in var.alarms : "${var.name}-${name}" if alarm.told_by == "itself"]
}
