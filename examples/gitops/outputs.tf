output "settings" {
  description = "The settings, and the mode of each rule in each account, so that the plan of a pull request shows the effect of a change of rules.yaml."
  value       = module.cspm_auto_remediation.settings

  precondition {
    condition     = length(local.mistakes) == 0
    error_message = "rules.yaml: ${join("; ", local.mistakes)}. Expected one entry for each rule."
  }
}

output "pause_parameter_name" {
  description = "The pause parameter; set it to `all` to stop enforcement at once, without a pull request."
  value       = module.cspm_auto_remediation.pause_parameter_name
}

output "evidence_bucket" {
  description = "The bucket that stores the evidence: what was found, planned, and changed."
  value       = module.cspm_auto_remediation.evidence_bucket
}
