output "role_arn" {
  description = "The role that the remediators assume in this account."
  value       = aws_iam_role.remediation.arn
}

output "role_name" {
  description = "The role's name."
  value       = aws_iam_role.remediation.name
}

output "policy" {
  description = "The role's policy, as JSON; null if it has no permissions."
  value       = module.policy.policy
}

output "trust_policy" {
  description = "The role's trust policy, as JSON."
  value       = module.policy.trust_policy
}

output "flow_logs" {
  description = "The name and the policies (JSON) of the role with which EC2 writes flow logs to CloudWatch Logs; null if no rule turns flow logs on."
  value       = module.policy.flow_logs
}

output "automation" {
  description = "The name and the policies (JSON) of the role with which Systems Manager Automation runs the rules' runbooks; null if no rule has one."
  value       = module.policy.automation
}

output "flow_logs_role_arn" {
  description = "The role with which EC2 writes flow logs to CloudWatch Logs; null if no rule turns flow logs on."
  value       = one(aws_iam_role.flow_logs[*].arn)
}

output "automation_role_arn" {
  description = "The role with which Systems Manager Automation runs the rules' runbooks; null if no rule has one."
  value       = one(aws_iam_role.automation[*].arn)
}
