locals {
  collector_name     = "${var.name}-collector"
  collector_settings = merge(local.inputs.lambda, local.inputs.collector)

  queue_arns = [for region in local.regions : "arn:${local.partition}:sqs:${region}:${local.account_id}:${var.name}-jobs.fifo"]
}

module "collector" {
  source = "../_function"

  name        = local.collector_name
  role_name   = local.collector_name
  description = "Queries the source for the failed findings of a rule, and sends them to the queues of their regions."
  package     = "${path.module}/../../dist/collector.zip"

  environment = merge(local.source_environment, {
    NAME                         = var.name
    HOME_REGION                  = local.home_region
    SECURITY_ACCOUNT_ID          = local.account_id
    PARTITION                    = local.partition
    EVIDENCE_BUCKET              = local.made_evidence_bucket
    FINDINGS_TABLE               = aws_dynamodb_table.findings.name
    EVENT_BUS_ARN                = local.event_bus_arn
    REGIONS                      = jsonencode(local.regions)
    REGION_LABELS                = jsonencode(var.region_labels)
    POLL_SCHEDULES               = jsonencode({ for id, rule in local.polled_rules : id => coalesce(rule.schedule_expression, module.settings.schedule.expression) })
    SCHEDULE_TIME_ZONE           = module.settings.schedule.time_zone
    POWERTOOLS_SERVICE_NAME      = local.collector_name
    POWERTOOLS_METRICS_NAMESPACE = local.metrics_namespace
  })

  statements = concat(
    local.source_statements,
    [
      {
        Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
        Resource = local.queue_arns
      },
      {
        Action   = ["s3:PutObject"]
        Resource = [for prefix in ["plans/polls", "plans/unprocessable", "polls", "schedules", "unprocessable"] : "${local.made_evidence_bucket_arn}/${prefix}/*"]
      },
      {
        Action   = ["s3:GetObject"]
        Resource = ["${local.made_evidence_bucket_arn}/polls/*/listed-*"]
      },
      # Without this permission, S3 returns 403 instead of 404 for a rule that has not been polled yet.
      {
        Action   = ["s3:ListBucket"]
        Resource = [local.made_evidence_bucket_arn]
      },
      # When rules were last polled, which jobs polls sent, and which of those are done. ForAllValues alone would allow a request
      # without keys; Null denies it.
      {
        Action   = ["dynamodb:BatchGetItem"]
        Resource = ["arn:${local.partition}:dynamodb:${local.home_region}:${local.account_id}:table/${local.findings_table}"]
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["poll#*", "sent#*", "done#*"] }
          Null                      = { "dynamodb:LeadingKeys" = ["false"] }
        }
      },
      {
        Action   = ["dynamodb:PutItem"]
        Resource = ["arn:${local.partition}:dynamodb:${local.home_region}:${local.account_id}:table/${local.findings_table}"]
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["poll#*", "sent#*"] }
          Null                      = { "dynamodb:LeadingKeys" = ["false"] }
        }
      },
      {
        Action   = ["events:PutEvents"]
        Resource = [local.event_bus_arn]
      },
      # To check whether a region's alarms explain why its jobs do not finish. CloudWatch requires a permission for all alarms if a
      # call does not name each.
      {
        Action   = ["cloudwatch:DescribeAlarms"]
        Resource = [for region in local.regions : "arn:${local.partition}:cloudwatch:${region}:${local.account_id}:alarm:*"]
      },
      {
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.polls_dead_letters.arn]
      },
    ],
    local.key_statements.queues,
    local.key_statements.evidence,
    local.key_statements.table,
  )

  log_key_arn = local.own_keys.logs

  settings = local.collector_settings
  iam      = { path = local.inputs.iam.path, permissions_boundary_arn = local.inputs.iam.permissions_boundary_arn }
  tags     = var.tags
}

# Schedules start the collector asynchronously. Lambda attempts a failed poll twice more, as the same poll, then sends it to the
# dead-letter queue. After an hour, the next poll has newer information.
resource "aws_lambda_function_event_invoke_config" "collector" {
  function_name                = module.collector.name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.polls_dead_letters.arn
    }
  }
}
