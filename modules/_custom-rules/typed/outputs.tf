output "custom_rules" {
  description = "`custom_rules`, with types and defaults."
  value       = var.custom_rules
}
