output "encryption" {
  description = "The keys, typed."
  value       = var.encryption
}

output "rules" {
  description = "The rules, typed."
  value       = var.rules
}
