output "collector_function_name" {
  description = "The collector; invoke it to poll now."
  value       = module.cspm_auto_remediation.collector_function_name
}

output "evidence_bucket" {
  description = "The bucket that stores the evidence: what was found, planned, and changed."
  value       = module.cspm_auto_remediation.evidence_bucket
}

output "event_bus_name" {
  description = "The event bus that receives outcomes."
  value       = module.cspm_auto_remediation.event_bus_name
}

output "pause_parameter_name" {
  description = "The pause parameter; set it to `all` to stop enforcement at once."
  value       = module.cspm_auto_remediation.pause_parameter_name
}

output "settings" {
  description = "The settings of each rule, so that a plan shows how they change."
  value       = module.cspm_auto_remediation.settings
}
