output "remediator" {
  description = "`remediator`, with types and defaults."
  value       = var.remediator
}

output "queue" {
  description = "`queue`, with types and defaults."
  value       = var.queue
}

output "alarms" {
  description = "`alarms`, with types and defaults."
  value       = var.alarms
}
