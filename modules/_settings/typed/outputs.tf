output "encryption" {
  description = "The keys, typed."
  value       = var.encryption
}

output "rules" {
  description = "The rules, typed."
  value       = var.rules
}

output "new_accounts" {
  description = "What is said of new accounts, typed."
  value       = var.new_accounts
}

output "schedule" {
  description = "The schedule, typed."
  value       = var.schedule
}
