# Gives the object inputs of `central` their types and defaults, and checks the values that _settings does not check itself.
# Terraform silently ignores misspelled attributes here; ../../_inputs finds them in the original values.

output "encryption" {
  description = "`encryption`, with types and defaults."
  value       = var.encryption
}

output "rules" {
  description = "`rules`, with types and defaults."
  value       = var.rules
}

output "new_accounts" {
  description = "`new_accounts`, with types and defaults."
  value       = var.new_accounts
}

output "schedule" {
  description = "`schedule`, with types and defaults."
  value       = var.schedule
}

output "limits" {
  description = "`limits`, with types and defaults."
  value       = var.limits
}

output "breaker" {
  description = "`breaker`, with types and defaults."
  value       = var.breaker
}

output "iam" {
  description = "`iam`, with types and defaults."
  value       = var.iam
}

output "lambda" {
  description = "`lambda`, with types and defaults."
  value       = var.lambda
}

output "collector" {
  description = "`collector`, with types and defaults."
  value       = var.collector
}

output "evidence" {
  description = "`evidence`, with types and defaults."
  value       = var.evidence
}

output "alarms" {
  description = "`alarms`, with types and defaults."
  value       = var.alarms
}

output "audit_trail" {
  description = "`audit_trail`, with types and defaults."
  value       = var.audit_trail
}

output "event_bus" {
  description = "`event_bus`, with types and defaults."
  value       = var.event_bus
}

output "notifications" {
  description = "`notifications`, with types and defaults."
  value       = var.notifications
}

output "api_token_secret" {
  description = "`api_token_secret`, with types and defaults."
  value       = var.api_token_secret
}
