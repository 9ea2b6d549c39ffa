output "collector_function_name" {
  description = "The collector; invoke it to poll now."
  value       = module.central.collector_function_name
}

output "queue_urls" {
  description = "The queue of each region's jobs."
  value       = { for region in local.per_region : region.region => region.queue_url }
}

output "dead_letter_queue_urls" {
  description = "The queue of each region's jobs that failed after all attempts."
  value       = { for region in local.per_region : region.region => region.dead_letter_queue_url }
}

output "evidence_bucket" {
  description = "The bucket that stores the evidence: what was found, planned, and changed."
  value       = module.central.evidence_bucket
}

output "event_bus_name" {
  description = "The event bus that receives outcomes."
  value       = module.central.event_bus_name
}

output "pause_parameter_name" {
  description = "The pause parameters; set them to `all`, in each region, to stop enforcement at once."
  value       = module.eu_central_1.pause_parameter_name
}

output "target_role_arns" {
  description = "The role that the remediators assume in each account with a module block."
  value       = concat([module.security.role_arn], module.production[*].role_arn, module.staging[*].role_arn)
}

output "target_stack_set_name" {
  description = "The StackSet that creates the role in accounts; null without one."
  value       = one(module.accounts[*].stack_set_name)
}

output "settings" {
  description = "The settings of each rule, so that a plan shows how they change."
  value       = module.central.settings
}
