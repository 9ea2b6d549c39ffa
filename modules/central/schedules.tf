data "aws_service_principal" "scheduler" {
  service_name = "scheduler"
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
  tags = var.tags
}

resource "aws_scheduler_schedule" "rule" {
  # checkov:skip=CKV_AWS_297: the input contains a rule's id and names, no secrets
  for_each = local.polled_rules

  name        = each.key
  group_name  = aws_scheduler_schedule_group.this.name
  description = "Polls for findings: ${local.catalog[each.key].title}"

  schedule_expression          = coalesce(each.value.schedule_expression, module.settings.schedule.expression)
  schedule_expression_timezone = module.settings.schedule.time_zone

  flexible_time_window {
    mode                      = module.settings.schedule.flexible_window_minutes == 0 ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = module.settings.schedule.flexible_window_minutes == 0 ? null : module.settings.schedule.flexible_window_minutes
  }

  target {
    arn      = module.collector.arn
    role_arn = aws_iam_role.scheduler.arn

    # EventBridge Scheduler replaces keywords only in unescaped text, but jsonencode escapes "<".
    input = replace(replace(jsonencode(merge(local.poll_inputs[each.key], {
      rule           = each.key
      scheduled_time = "<aws.scheduler.scheduled-time>"
    })), "\\u003c", "<"), "\\u003e", ">")

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }

    dead_letter_config {
      arn = aws_sqs_queue.polls_dead_letters.arn
    }
  }

  # A schedule may fire as soon as it exists, so everything that its first poll needs is created before it.
  depends_on = [
    aws_s3_object.rule,
    aws_iam_role_policy.scheduler,
    aws_lambda_function_event_invoke_config.collector,
    aws_s3_bucket_public_access_block.evidence,
    aws_secretsmanager_secret_version.api_token,
    var.poll_after,
  ]
}

# Starts the check for overdue polls. The alarm checks-missing reports if this check does not run.
resource "aws_scheduler_schedule" "check" {
  # checkov:skip=CKV_AWS_297: the input contains no secrets
  count = length(local.polled_rules) > 0 ? 1 : 0

  name        = "check-polls"
  group_name  = aws_scheduler_schedule_group.this.name
  description = "Checks for rules that have not been polled successfully for two of their periods."

  schedule_expression = "rate(1 hour)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.collector.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ check = "polls" })

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }

    dead_letter_config {
      arn = aws_sqs_queue.polls_dead_letters.arn
    }
  }

  depends_on = [aws_iam_role_policy.scheduler, aws_lambda_function_event_invoke_config.collector]
}

# Polls that could not be started, or failed after all attempts.
resource "aws_sqs_queue" "polls_dead_letters" {
  name                      = local.polls_dead_letters_name
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = local.own_keys.queues == null ? true : null
  kms_master_key_id         = local.own_keys.queues
  tags                      = var.tags

  # Created after the check in deployment.tf, which recognizes deployments by this queue.
  depends_on = [terraform_data.deployment]
}

resource "aws_iam_role" "scheduler" {
  name                 = "${var.name}-scheduler"
  path                 = local.inputs.iam.path
  permissions_boundary = local.inputs.iam.permissions_boundary_arn
  description          = "Assumed by the schedules of ${var.name} to start the collector."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = data.aws_service_principal.scheduler.name }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnEquals    = { "aws:SourceArn" = aws_scheduler_schedule_group.this.arn }
      }
    }]
  })

  tags = var.tags
}

resource "aws_iam_role_policy" "scheduler" {
  name = "work"
  role = aws_iam_role.scheduler.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Effect   = "Allow"
          Action   = ["lambda:InvokeFunction"]
          Resource = [module.collector.arn]
        },
        {
          Effect   = "Allow"
          Action   = ["sqs:SendMessage"]
          Resource = [aws_sqs_queue.polls_dead_letters.arn]
        },
      ],
      [for statement in local.key_statements.own_queues : merge(statement, { Effect = "Allow" })],
    )
  })
}
