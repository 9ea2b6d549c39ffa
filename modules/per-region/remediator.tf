locals {
  remediator_name = "${local.name}-remediator"

  parameter_arn = "arn:${var.link.partition}:ssm:${local.region}:${var.link.security_account_id}:parameter/${local.name}"
  evidence_arn  = "arn:${var.link.partition}:s3:::${var.link.evidence_bucket}"
  settings_arn  = "arn:${var.link.partition}:s3:::${var.link.settings_bucket}"

  # An inline policy is limited to 10,240 characters, and each account takes 15. With more accounts, only the remediator's own check
  # and the organization condition apply.
  most_accounts  = 400
  bound_accounts = try(length(var.link.accounts) <= local.most_accounts, false) ? var.link.accounts : null

  assume_conditions = merge(
    var.link.organization_id == null ? {} : { "aws:ResourceOrgID" = [var.link.organization_id] },
    local.bound_accounts == null ? {} : { "aws:ResourceAccount" = local.bound_accounts },
  )
  table_arn = "arn:${var.link.partition}:dynamodb:${var.link.home_region}:${var.link.security_account_id}:table/${var.link.findings_table}"

  # Keys of the items that this region's remediator reads and writes: those of its own jobs and resources. Findings without a
  # region belong to the home region.
  own_items = concat(
    ["account#????????????", "lease#${local.region}#*", "done#*#????????????#${local.region}", "finding#????????????#${local.region}#*", "result#????????????#${local.region}#*", "undone#${local.region}"],
    local.region == var.link.home_region ? ["finding#????????????#global#*"] : [],
  )

  # Counters of changes and breakers, over all regions.
  counters = ["count#*#????????????", "count#*#all"]
  breakers = ["trip#*#????????????"]
  # When people were last notified of invalid settings and lasting deferrals.
  notices = ["deferral#*", "settings#*"]

  # Read-only: jobs that the collector sent recently.
  sent_items = ["sent#*#????????????#${local.region}"]

  # Read-only: items that operators write.
  operators_items = ["hold#????????????#*", "pending#????????????#${local.region}", "request#*", "resume#*#????????????", "retry#????????????#*"]
}

module "remediator" {
  source = "../_function"

  name        = local.remediator_name
  role_name   = "${local.remediator_name}-${local.region}"
  description = "Fixes the findings of this region's jobs, account by account."
  package     = "${path.module}/../../dist/remediator.zip"

  environment = {
    NAME                         = local.name
    HOME_REGION                  = var.link.home_region
    SECURITY_ACCOUNT_ID          = var.link.security_account_id
    PARTITION                    = var.link.partition
    EVIDENCE_BUCKET              = var.link.evidence_bucket
    FINDINGS_TABLE               = var.link.findings_table
    SETTINGS_BUCKET              = var.link.settings_bucket
    EVENT_BUS_ARN                = var.link.event_bus_arn
    TARGET_ROLE_NAME             = var.link.target_role_name
    AUTOMATION_ROLE_NAME         = var.link.automation_role_name
    EXTERNAL_ID                  = var.link.external_id
    COLLECTOR_ROLE_ID            = var.link.collector_role_id
    MAX_RECEIVE_COUNT            = module.typed.queue.max_receive_count
    RETRY_DELAY_SECONDS          = module.typed.queue.retry_delay_seconds
    POWERTOOLS_SERVICE_NAME      = local.remediator_name
    POWERTOOLS_METRICS_NAMESPACE = var.link.metrics_namespace
  }

  statements = concat([
    # The role has the same name in every account. The organization limits the accounts, and so do the settings if they name all
    # accounts.
    {
      Action    = ["sts:AssumeRole"]
      Resource  = ["arn:${var.link.partition}:iam::*:role/${var.link.target_role_name}"]
      Condition = length(local.assume_conditions) == 0 ? null : { StringEquals = local.assume_conditions }
    },
    {
      Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
      Resource = [local.queue_arn]
    },
    {
      Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
      Resource = [local.dead_letters_arn, local.delayed_arn]
    },
    # Delayed jobs are forwarded to the queue of jobs.
    {
      Action   = ["sqs:SendMessage"]
      Resource = [local.queue_arn]
    },
    {
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = [local.delayed_arn]
    },
    {
      Action   = ["s3:GetObject"]
      Resource = ["${local.settings_arn}/rules/*", "${local.settings_arn}/accounts.json"]
    },
    # Without this permission, S3 returns 403 instead of 404 for missing settings, so the cause would be unclear.
    {
      Action   = ["s3:ListBucket"]
      Resource = [local.settings_arn]
    },
    {
      Action   = ["ssm:GetParameter"]
      Resource = ["${local.parameter_arn}/pause"]
    },
    {
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = [for prefix in ["jobs", "in-progress"] : "${local.evidence_arn}/${prefix}/*"]
    },
    {
      Action   = ["s3:GetObject"]
      Resource = [for prefix in ["", "plans/"] : "${local.evidence_arn}/${prefix}outcomes/*"]
    },
    # The condition prevents overwriting outcomes.
    {
      Action    = ["s3:PutObject"]
      Resource  = [for prefix in ["", "plans/"] : "${local.evidence_arn}/${prefix}outcomes/*"]
      Condition = { Null = { "s3:if-none-match" = ["false"] } }
    },
    {
      Action   = ["s3:DeleteObject"]
      Resource = ["${local.evidence_arn}/in-progress/*"]
    },
    # Without this permission, S3 returns 403 instead of 404 for a missing object, and a job's first attempt could not tell that
    # there is no earlier plan.
    {
      Action   = ["s3:ListBucket"]
      Resource = [local.evidence_arn]
    },
    # ForAllValues alone would allow a request without keys; Null denies it. TransactWriteItems is authorized as PutItem.
    {
      Action   = ["dynamodb:BatchGetItem"]
      Resource = [local.table_arn]
      Condition = {
        "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = concat(local.own_items, local.counters, local.breakers, local.notices, local.sent_items, local.operators_items) }
        Null                      = { "dynamodb:LeadingKeys" = ["false"] }
      }
    },
    {
      Action   = ["dynamodb:PutItem"]
      Resource = [local.table_arn]
      Condition = {
        "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = concat(local.own_items, local.counters, local.breakers, local.notices) }
        Null                      = { "dynamodb:LeadingKeys" = ["false"] }
      }
    },
    {
      Action   = ["dynamodb:UpdateItem"]
      Resource = [local.table_arn]
      Condition = {
        "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = local.counters }
        Null                      = { "dynamodb:LeadingKeys" = ["false"] }
      }
    },
    {
      Action   = ["events:PutEvents"]
      Resource = [var.link.event_bus_arn]
    },
    ],
    local.key_statements,
  )

  log_key_arn = local.keys.logs

  settings = merge(var.link.lambda, {
    memory_size          = module.typed.remediator.memory_size
    timeout              = module.typed.remediator.timeout
    reserved_concurrency = module.typed.remediator.reserved_concurrency
    subnet_ids           = module.typed.remediator.subnet_ids
    security_group_ids   = module.typed.remediator.security_group_ids
    layers               = module.typed.remediator.layers
    environment          = module.typed.remediator.environment
  })
  iam  = { path = var.link.iam_path, permissions_boundary_arn = var.link.permissions_boundary_arn }
  tags = var.link.tags
}

# One job per invocation. A larger batch could contain several jobs of an account: if the first one failed, the next would be
# processed before it, and if the batch was delivered twice, two would run in parallel. Jobs of other accounts run in parallel
# invocations.
resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn        = aws_sqs_queue.jobs.arn
  function_name           = module.remediator.arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = local.mapping_tags

  scaling_config {
    maximum_concurrency = module.typed.remediator.maximum_concurrency
  }
}
