output "organizational_units" {
  description = "What `organizational_units` says, typed."
  value       = var.organizational_units
}

output "operation" {
  description = "What `operation` says, typed."
  value       = var.operation
}

output "iam" {
  description = "What `iam` says, typed."
  value       = var.iam
}
