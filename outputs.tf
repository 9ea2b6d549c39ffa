output "link" {
  description = "The values that the modules of this deployment share; for further regions, use `modules/central` and its `link` instead of this root module."
  value       = module.central.link
}

output "security_account_id" {
  description = "The account in which the collector and the remediator run; `modules/target` needs it for each further account."
  value       = module.central.security_account_id
}

output "external_id" {
  description = "The external id that the remediator uses; `modules/target` needs it if it is not the default."
  value       = module.central.external_id
}

output "netskope_url" {
  description = "The tenant's address, as the collector calls it."
  value       = module.central.netskope_url
}

output "collector_function_name" {
  description = "The collector's name."
  value       = module.central.collector_function_name
}

output "remediator_function_name" {
  description = "The remediator's name."
  value       = module.region.remediator_function_name
}

output "queue_url" {
  description = "The job queue."
  value       = module.region.queue_url
}

output "dead_letter_queue_url" {
  description = "The queue of jobs that failed after all attempts."
  value       = module.region.dead_letter_queue_url
}

output "polls_dead_letter_queue_url" {
  description = "The queue of polls that could not be started or failed after all attempts."
  value       = module.central.polls_dead_letter_queue_url
}

output "evidence_bucket" {
  description = "The bucket that stores the evidence: what was found, planned, and changed."
  value       = module.central.evidence_bucket
}

output "findings_table" {
  description = "The DynamoDB table that stores the state of findings."
  value       = module.central.findings_table
}

output "settings_bucket" {
  description = "The settings bucket: `rules/<id>.json` and `accounts.json`. Only Terraform writes to it."
  value       = module.central.settings_bucket
}

output "event_bus_name" {
  description = "The event bus that receives outcomes (default: only changed ones; source `cspm-auto-remediation`, detail type `Finding Outcome`)."
  value       = module.central.event_bus_name
}

output "notifications_topic_arn" {
  description = "The notifications topic, for further subscriptions; null if notifications are not enabled."
  value       = module.central.notifications_topic_arn
}

output "pause_parameter_name" {
  description = "The parameter that stops enforcement: set it to `all`, `all+undo`, rule ids or `account:` with an account id, separated by commas; `none` ends the pause, and any other value stops everything."
  value       = module.region.pause_parameter_name
}

output "target_role_arn" {
  description = "The role that the remediator assumes in this account; null if `protect_own_account` is false."
  value       = one(module.target[*].role_arn)
}

output "settings" {
  description = "The effective settings: `rules` and `accounts` are the settings as the remediator reads them, JSON; `modes` shows the mode of each rule in each account that the settings name. Pass this output on from your root module to see changes in its plan."
  value       = module.central.settings
}

output "arns" {
  description = "The ARNs of the resources that were created or provided, by kind and name, for your own policies and alarms."
  value = {
    for kind in setunion(keys(module.central.arns), keys(module.region.arns)) : kind => merge([
      for arns in concat([module.central.arns, module.region.arns], [for role in module.target : { roles = {
        target     = role.role_arn
        automation = role.automation_role_arn
        flow_logs  = role.flow_logs_role_arn
      } }]) : arns[kind] if contains(keys(arns), kind)
    ]...)
  }
}

output "tampered_settings" {
  description = "Settings objects modified outside Terraform (needs a KMS key on the bucket; without one, plans show them as changes). Pass this output on so that plans list them."
  value       = module.central.tampered_settings
}
