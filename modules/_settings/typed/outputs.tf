# Gives the object inputs of `central` their types and defaults, and checks the values that _settings does not check itself.
# Terraform silently ignores misspelled attributes here; ../../_inputs finds them in the original values.

output "encryption" {
  description = "What `encryption` says, typed."
  value       = var.encryption
}

output "rules" {
  description = "What `rules` says, typed."
  value       = var.rules
}

output "new_accounts" {
  description = "What `new_accounts` says, typed."
  value       = var.new_accounts
}

output "schedule" {
  description = "What `schedule` says, typed."
  value       = var.schedule
}

output "limits" {
  description = "What `limits` says, typed."
  value       = var.limits
}

output "breaker" {
  description = "What `breaker` says, typed."
  value       = var.breaker
}

output "iam" {
  description = "What `iam` says, typed."
  value       = var.iam
}

output "lambda" {
  description = "What `lambda` says, typed."
  value       = var.lambda
}

output "collector" {
  description = "What `collector` says, typed."
  value       = var.collector
}

output "evidence" {
  description = "What `evidence` says, typed."
  value       = var.evidence
}

output "alarms" {
  description = "What `alarms` says, typed."
  value       = var.alarms
}

output "audit_trail" {
  description = "What `audit_trail` says, typed."
  value       = var.audit_trail
}

output "event_bus" {
  description = "What `event_bus` says, typed."
  value       = var.event_bus
}

output "notifications" {
  description = "What `notifications` says, typed."
  value       = var.notifications
}

output "api_token_secret" {
  description = "What `api_token_secret` says, typed."
  value       = var.api_token_secret
}
