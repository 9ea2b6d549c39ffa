output "organizational_units" {
  description = "`organizational_units`, with types and defaults."
  value       = var.organizational_units
}

output "operation" {
  description = "`operation`, with types and defaults."
  value       = var.operation
}

output "iam" {
  description = "`iam`, with types and defaults."
  value       = var.iam
}
