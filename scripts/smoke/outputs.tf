output "account" {
  description = "The account in which this was applied."
  value       = module.smoke.security_account_id
}

output "event_bus" {
  description = "The name of the bus on which outcomes are published."
  value       = module.smoke.event_bus_name
}

output "evidence_bucket" {
  description = "The evidence bucket's name."
  value       = module.smoke.evidence_bucket
}

output "queue_url" {
  description = "The URL of the region's job queue."
  value       = module.smoke.queue_url
}

output "heard_queue_url" {
  description = "The URL of the queue that gets the notifications."
  value       = aws_sqs_queue.heard.url
}

output "security_group" {
  description = "The id of the security group that violates the rule."
  value       = aws_security_group.violating.id
}
