locals {
  queue_name        = "${local.name}-jobs.fifo"
  delayed_name      = "${local.name}-jobs-delayed"
  dead_letters_name = "${local.name}-jobs-dead-letters.fifo"

  # By name, so that resources that refer to a queue do not wait for it.
  queue_arn        = "arn:${var.link.partition}:sqs:${local.region}:${var.link.security_account_id}:${local.queue_name}"
  delayed_arn      = "arn:${var.link.partition}:sqs:${local.region}:${var.link.security_account_id}:${local.delayed_name}"
  dead_letters_arn = "arn:${var.link.partition}:sqs:${local.region}:${var.link.security_account_id}:${local.dead_letters_name}"

  day = 24 * 3600
}

# One message group per account. Deduplication and throughput also apply per group, so that no account waits for another.
resource "aws_sqs_queue" "jobs" {
  name                  = local.queue_name
  fifo_queue            = true
  deduplication_scope   = "messageGroup"
  fifo_throughput_limit = "perMessageGroupId"

  # AWS recommends six times the function's timeout, so that a job whose invocation was throttled is not received twice.
  visibility_timeout_seconds = 6 * module.typed.remediator.timeout
  message_retention_seconds  = module.typed.queue.retention_days * local.day
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = local.keys.queues == null ? true : null
  kms_master_key_id          = local.keys.queues

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = module.typed.queue.max_receive_count
  })

  tags = var.link.tags
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = local.dead_letters_name
  fifo_queue                = true
  message_retention_seconds = module.typed.queue.dead_letter_retention_days * local.day
  sqs_managed_sse_enabled   = local.keys.queues == null ? true : null
  kms_master_key_id         = local.keys.queues

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arn]
  })

  tags = var.link.tags
}
