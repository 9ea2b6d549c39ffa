output "key_arn" {
  description = "The key that encrypts everything."
  value       = aws_kms_key.this.arn
}

output "evidence_bucket" {
  description = "The bucket that keeps what was found, planned and changed."
  value       = module.cspm_auto_remediation.evidence_bucket
}
