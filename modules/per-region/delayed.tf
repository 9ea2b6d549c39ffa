# Jobs that follow changes that AWS takes minutes to finish. A FIFO queue delays all of its messages or none, so these jobs wait here,
# each for its own delay. The remediator then forwards them to their account's message group.

locals {
  delayed_dead_letters_name = "${local.name}-jobs-delayed-dead-letters"

  # Forwarding is quick. Two is AWS's minimum.
  delayed_concurrency = 2
}

resource "aws_sqs_queue" "delayed" {
  name = local.delayed_name

  visibility_timeout_seconds = 6 * module.typed.remediator.timeout
  message_retention_seconds  = module.typed.queue.retention_days * local.day
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = local.keys.queues == null ? true : null
  kms_master_key_id          = local.keys.queues

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.delayed_dead_letters.arn
    maxReceiveCount     = module.typed.queue.max_receive_count
  })

  tags = var.link.tags
}

resource "aws_sqs_queue" "delayed_dead_letters" {
  name                      = local.delayed_dead_letters_name
  message_retention_seconds = module.typed.queue.dead_letter_retention_days * local.day
  sqs_managed_sse_enabled   = local.keys.queues == null ? true : null
  kms_master_key_id         = local.keys.queues

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.delayed_arn]
  })

  tags = var.link.tags
}

resource "aws_lambda_event_source_mapping" "delayed" {
  event_source_arn        = aws_sqs_queue.delayed.arn
  function_name           = module.remediator.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = local.mapping_tags

  scaling_config {
    maximum_concurrency = local.delayed_concurrency
  }
}
