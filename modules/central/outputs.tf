output "link" {
  description = "The values that `per-region` needs, as one object: pass it on unchanged."
  value = {
    name                     = var.name
    partition                = local.partition
    security_account_id      = local.account_id
    organization_id          = var.organization_id
    accounts                 = local.closed_accounts
    home_region              = local.home_region
    regions                  = local.regions
    event_bus_arn            = local.event_bus_arn
    notifications            = local.inputs.notifications.enabled
    evidence_bucket          = local.made_evidence_bucket
    findings_table           = aws_dynamodb_table.findings.name
    keys                     = module.settings.keys
    target_role_name         = "${trimprefix(local.inputs.iam.target_role_path, "/")}${var.name}-remediation"
    automation_role_name     = "${trimprefix(local.inputs.iam.target_role_path, "/")}${var.name}-automation"
    external_id              = local.external_id
    collector_role_id        = module.collector.role_id
    settings_bucket          = local.settings_bucket
    metrics_namespace        = local.metrics_namespace
    lambda                   = local.inputs.lambda
    iam_path                 = local.inputs.iam.path
    permissions_boundary_arn = local.inputs.iam.permissions_boundary_arn
    tags                     = var.tags
  }
}

output "security_account_id" {
  description = "The account in which the collector and the remediators run; `target` needs it."
  value       = local.account_id
}

output "external_id" {
  description = "The external id that the remediators use; `target` needs it if it is not the default."
  value       = local.external_id
}

output "netskope_url" {
  description = "The tenant's address, as the collector calls it."
  value       = local.netskope_url
}

output "collector_function_name" {
  description = "The collector's name."
  value       = module.collector.name
}

output "collector_log_group_name" {
  description = "The log group of the collector."
  value       = module.collector.log_group_name
}

output "event_bus_name" {
  description = "The event bus that receives outcomes (default: only changed ones; source `cspm-auto-remediation`, detail type `Finding Outcome`)."
  value       = local.event_bus_name
}

output "event_bus_arn" {
  description = "The event bus's ARN."
  value       = local.event_bus_arn
}

output "notifications_topic_arn" {
  description = "The notifications topic, for further subscriptions; null if notifications are not enabled."
  value       = one(local.topic_arns)
}

output "evidence_bucket" {
  description = "The bucket that stores the evidence: what was found, planned, and changed."
  value       = local.made_evidence_bucket
}

output "findings_table" {
  description = "The DynamoDB table that stores the state of findings."
  value       = aws_dynamodb_table.findings.name
}

output "settings_bucket" {
  description = "The settings bucket: `rules/<id>.json` and `accounts.json`. Only Terraform writes to it."
  value       = aws_s3_bucket.settings.bucket
}

output "api_token_secret_arn" {
  description = "The secret that contains the Netskope API token."
  value       = local.token_secret_arn
}

output "polls_dead_letter_queue_url" {
  description = "The queue of polls that could not be started or failed after all attempts."
  value       = aws_sqs_queue.polls_dead_letters.url
}

output "schedule_group_name" {
  description = "The group of the rules' schedules."
  value       = aws_scheduler_schedule_group.this.name
}

output "settings" {
  description = "The effective settings: `rules` and `accounts` are the settings as the remediators read them, JSON; `modes` shows the mode of each rule in each account that the settings name. Pass this output on from your root module to see changes in its plan."
  value       = { rules = local.rule_settings, accounts = local.account_settings, modes = module.settings.modes_by_account }

  # If all values are known, the other output reports all mistakes. This one is evaluated after it, so that each is reported once.
  depends_on = [module.settings.rules]

  precondition {
    condition     = length(module.settings.structure) == 0
    error_message = "${length(module.settings.structure)} to correct:\n- ${join("\n- ", module.settings.structure)}"
  }
}

output "arns" {
  description = "The ARNs of the resources that this module creates or uses, by kind and name, for your own policies and alarms."
  value = {
    functions  = { collector = module.collector.arn }
    roles      = { collector = module.collector.role_arn, scheduler = aws_iam_role.scheduler.arn }
    policies   = { operator = aws_iam_policy.operator.arn, viewer = aws_iam_policy.viewer.arn }
    log_groups = { collector = module.collector.log_group_arn }
    buckets    = { evidence = local.made_evidence_bucket_arn, settings = aws_s3_bucket.settings.arn }
    queues = merge(
      { polls_dead_letters = aws_sqs_queue.polls_dead_letters.arn },
      { for queue in aws_sqs_queue.notifications_dead_letters : "notifications_dead_letters" => queue.arn },
    )
    topics     = { for arn in local.topic_arns : "notifications" => arn }
    buses      = { outcomes = local.event_bus_arn }
    tables     = { findings = aws_dynamodb_table.findings.arn }
    secrets    = { api_token = local.token_secret_arn }
    dashboards = { for dashboard in aws_cloudwatch_dashboard.this : "overview" => dashboard.dashboard_arn }
  }
}

output "tampered_settings" {
  description = "Settings objects modified outside Terraform (needs a KMS key on the bucket; without one, plans show them as changes). Pass this output on so that plans list them."
  value       = local.tampered_settings
}
