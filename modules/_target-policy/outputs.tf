output "role_name" {
  description = "The name of the role that the remediators assume."
  value       = "${var.name}-remediation"
}

output "role_description" {
  description = "The role's description."
  value       = "Fixes what CSPM finds in this account. Assumed by the remediators of account ${var.security_account_id} alone."
}

output "policy" {
  description = "The role's policy, as JSON; null if it has no permissions."
  value       = length(setsubtract(local.rules, local.custom)) == 0 ? null : local.policies.remediation
}

output "custom_policies" {
  description = "The additional policy of each custom rule, as JSON by rule id."
  value       = { for rule in local.custom : rule => local.policies["custom:${rule}"] }

  precondition {
    condition     = length(local.custom) <= 10
    error_message = "custom_rules has ${length(local.custom)} rules: IAM attaches 10 managed policies to a role. Enable fewer of them in `rules`."
  }
  # modules/_custom-rules limits a session policy to 2,048 characters, so a rule's fix and undo fit into a managed policy (6,144).
}

output "trust_policy" {
  description = "The role's trust policy, as JSON."
  value       = local.trust_policy
}

output "flow_logs" {
  description = "The role with which EC2 writes flow logs to CloudWatch Logs: its `role_name`, `description`, `policy` and `trust_policy` (JSON); null if no rule turns flow logs on, or `delivery_role_name` names another."
  value = !local.delivers_flow_logs ? null : {
    role_name    = "${var.name}-flow-logs"
    description  = "Writes the flow logs that ${var.name} turns on to CloudWatch Logs."
    policy       = local.flow_logs_policy
    trust_policy = local.flow_logs_trust_policy
  }
}

output "automation" {
  description = "The role with which Systems Manager Automation runs the rules' runbooks: its `role_name`, `description`, `policy` and `trust_policy` (JSON); null if no rule has a runbook."
  value = !local.has_runbooks ? null : {
    role_name   = "${var.name}-automation"
    description = "Assumed by Systems Manager Automation in the runbooks that ${var.name} starts."
    # IAM rejects a policy without statements.
    policy       = length(local.granted.automation) > 0 ? local.policies.automation : jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Deny", Action = ["*"], Resource = ["*"] }] })
    trust_policy = local.automation_trust_policy
  }
}
