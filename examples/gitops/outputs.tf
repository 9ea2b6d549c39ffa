output "settings" {
  description = "Each rule's settings: what a pull request's plan shows of a change of rules.yaml."
  value       = module.cspm_auto_remediation.settings
}

output "pause_parameter_name" {
  description = "Set it to `all` to stop enforcement at once, without a pull request."
  value       = module.cspm_auto_remediation.pause_parameter_name
}
