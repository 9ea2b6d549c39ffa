output "role_arn" {
  description = "The role that the remediators assume in this account."
  value       = aws_iam_role.remediation.arn
}

output "role_name" {
  description = "The role's name."
  value       = aws_iam_role.remediation.name
}

output "policy" {
  description = "What the role may do, as JSON; null when that is nothing."
  value       = module.policy.policy
}

output "trust_policy" {
  description = "Who may assume the role, as JSON."
  value       = module.policy.trust_policy
}
