output "role_name" {
  description = "The role's name: what the remediators look for."
  value       = "${var.name}-remediation"
}

output "role_description" {
  description = "The role's description."
  value       = "Cures what CSPM finds in this account. Assumed by the remediators of account ${var.security_account_id} alone."
}

output "policy" {
  description = "What the role may do, as JSON; null when that is nothing."
  value       = length(local.rules) == 0 ? null : local.policy
}

output "trust_policy" {
  description = "Who may assume the role, as JSON."
  value       = local.trust_policy
}
