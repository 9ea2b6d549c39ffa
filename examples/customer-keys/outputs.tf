output "key_arn" {
  description = "The key that encrypts everything."
  value       = aws_kms_key.this.arn
}

output "evidence_bucket" {
  description = "The bucket that stores the evidence: what was found, planned, and changed."
  value       = module.cspm_auto_remediation.evidence_bucket
}

output "tampered_settings" {
  description = "Settings objects that were modified outside Terraform, so that a plan lists them."
  value       = module.cspm_auto_remediation.tampered_settings
}

output "settings" {
  description = "The settings of each rule, so that a plan shows how they change."
  value       = module.cspm_auto_remediation.settings
}
