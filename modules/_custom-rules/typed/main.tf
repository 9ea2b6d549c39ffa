# Gives `custom_rules` its type and defaults. Terraform drops misspelled words here: ../../_inputs finds them in what was given.

output "custom_rules" {
  description = "What `custom_rules` says, typed."
  value       = var.custom_rules
}
