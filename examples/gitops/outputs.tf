output "settings" {
  description = "The settings, and which mode each rule has in each account: what a pull request's plan shows of a change of rules.yaml."
  value       = module.cspm_auto_remediation.settings

  precondition {
    condition     = length(local.mistakes) == 0
    error_message = "rules.yaml: ${join("; ", local.mistakes)}. Expected one entry for each rule."
  }
}

output "pause_parameter_name" {
  description = "Set it to `all` to stop enforcement at once, without a pull request."
  value       = module.cspm_auto_remediation.pause_parameter_name
}

output "evidence_bucket" {
  description = "The bucket that stores the evidence: what was found, planned, and changed."
  value       = module.cspm_auto_remediation.evidence_bucket
}
