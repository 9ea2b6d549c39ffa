output "remediator" {
  description = "What `remediator` says, typed."
  value       = var.remediator
}

output "queue" {
  description = "What `queue` says, typed."
  value       = var.queue
}

output "alarms" {
  description = "What `alarms` says, typed."
  value       = var.alarms
}
