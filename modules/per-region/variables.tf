variable "link" {
  description = "The `link` output of `central`, as it is."
  type = object({
    name                     = string
    partition                = string
    security_account_id      = string
    organization_id          = optional(string)
    accounts                 = optional(list(string))
    home_region              = string
    regions                  = list(string)
    event_bus_arn            = string
    notifications            = bool
    evidence_bucket          = string
    findings_table           = string
    findings_table_key_arn   = optional(string)
    target_role_name         = string
    automation_role_name     = string
    external_id              = string
    settings_bucket          = string
    metrics_namespace        = string
    iam_path                 = string
    permissions_boundary_arn = string
    tags                     = map(string)
    lambda = object({
      architecture       = string
      log_level          = string
      log_retention_days = number
      tracing            = bool
    })
  })
  nullable = false

  validation {
    condition     = contains(var.link.regions, data.aws_region.this.id)
    error_message = "This module's provider is of region \"${data.aws_region.this.id}\", which central does not send jobs to: add it to central's regions, [${join(", ", var.link.regions)}]."
  }

  validation {
    condition     = var.link.security_account_id == data.aws_caller_identity.this.account_id
    error_message = "This module's provider is of account ${data.aws_caller_identity.this.account_id}: expected the security account ${var.link.security_account_id}, where central is."
  }
}

variable "remediator" {
  description = "Settings of the remediator: `memory_size` in MB (CPU goes with it), `timeout` in seconds, at least 90 (a message stays invisible six times as long), `batch_size` (jobs in one invocation; one, so that a slow job of one account holds up no other account's), `maximum_concurrency` (invocations side by side, besides 2 for delayed jobs; 5, because a new AWS account has 10 for all functions of a region), `reserved_concurrency` (null: unreserved), and a VPC's `subnet_ids` and `security_group_ids` (none: no VPC; in a VPC it needs a way to AWS)."
  type = object({
    memory_size          = optional(number, 1024)
    timeout              = optional(number, 300)
    batch_size           = optional(number, 1)
    maximum_concurrency  = optional(number, 5)
    reserved_concurrency = optional(number)
    subnet_ids           = optional(list(string), [])
    security_group_ids   = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.remediator.memory_size >= 128 && var.remediator.memory_size <= 10240
    error_message = "remediator.memory_size is ${var.remediator.memory_size}: expected 128 to 10240 MB."
  }

  validation {
    condition     = var.remediator.timeout >= 90 && var.remediator.timeout <= 900
    error_message = "remediator.timeout is ${var.remediator.timeout}: expected 90 to 900 seconds. The remediator keeps its last 45 for reading back and recording what it changed, and with less than that from the beginning it would never change anything."
  }

  validation {
    condition     = var.remediator.batch_size >= 1 && var.remediator.batch_size <= 10
    error_message = "remediator.batch_size is ${var.remediator.batch_size}: a FIFO queue gives 1 to 10 messages at a time."
  }

  validation {
    condition     = var.remediator.maximum_concurrency >= 2 && var.remediator.maximum_concurrency <= 1000
    error_message = "remediator.maximum_concurrency is ${var.remediator.maximum_concurrency}: expected 2 to 1000."
  }

  validation {
    condition     = var.remediator.reserved_concurrency == null ? true : var.remediator.reserved_concurrency >= var.remediator.maximum_concurrency + local.delayed_concurrency
    error_message = "remediator.reserved_concurrency is ${coalesce(var.remediator.reserved_concurrency, 0)}: expected at least ${var.remediator.maximum_concurrency + local.delayed_concurrency}, maximum_concurrency and ${local.delayed_concurrency} for delayed jobs, or jobs are throttled into the dead-letter queue."
  }

  validation {
    condition     = (length(var.remediator.subnet_ids) == 0) == (length(var.remediator.security_group_ids) == 0)
    error_message = "remediator has ${length(var.remediator.subnet_ids)} subnet_ids and ${length(var.remediator.security_group_ids)} security_group_ids: in a VPC it needs both, outside neither."
  }
}

variable "queue" {
  description = "Settings of the queue: `max_receive_count`, the tries that a job has, `retry_delay_seconds`, how long an unfinished job waits for its second try (twice as long for each further one, at most 15 minutes), and `retention_days` and `dead_letter_retention_days`, how long jobs and dead letters are kept."
  type = object({
    max_receive_count          = optional(number, 5)
    retention_days             = optional(number, 4)
    retry_delay_seconds        = optional(number, 30)
    dead_letter_retention_days = optional(number, 14)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.queue.max_receive_count >= 1 && var.queue.max_receive_count <= 1000
    error_message = "queue.max_receive_count is ${var.queue.max_receive_count}: expected 1 to 1000."
  }

  validation {
    condition     = var.queue.retry_delay_seconds >= 0 && var.queue.retry_delay_seconds <= 900 && floor(var.queue.retry_delay_seconds) == var.queue.retry_delay_seconds
    error_message = "queue.retry_delay_seconds is ${var.queue.retry_delay_seconds}: expected a whole number, 0 to 900."
  }

  validation {
    condition     = alltrue([for days in [var.queue.retention_days, var.queue.dead_letter_retention_days] : days >= 1 && days <= 14])
    error_message = "queue.retention_days is ${var.queue.retention_days} and dead_letter_retention_days ${var.queue.dead_letter_retention_days}: SQS keeps messages 1 to 14 days."
  }

  # In a standard queue a dead letter keeps the age that it had.
  validation {
    condition     = var.queue.dead_letter_retention_days >= var.queue.retention_days
    error_message = "queue.dead_letter_retention_days is ${var.queue.dead_letter_retention_days}, less than retention_days, ${var.queue.retention_days}: a dead letter keeps its age, and one that waited long would vanish at once."
  }
}

variable "alarms" {
  description = "Alarms of this region."
  type = object({
    # Whether there are any.
    enabled = optional(bool, true)
    # SNS topics of this region that get every alarm, besides `notifications`.
    topic_arns = optional(list(string), [])
    # Whether alarms are passed on to `notifications` in the home region. Outside the partition `aws` only those of the home region can be: set it to false elsewhere.
    forward = optional(bool, true)
    # The age in minutes from which a waiting job is too old.
    oldest_job_minutes = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for arn in var.alarms.topic_arns : can(regex("^arn:[a-z-]+:sns:${data.aws_region.this.id}:[0-9]{12}:[^:]+$", arn))])
    error_message = "alarms.topic_arns holds ${join(", ", [for arn in var.alarms.topic_arns : "\"${arn}\"" if !can(regex("^arn:[a-z-]+:sns:${data.aws_region.this.id}:[0-9]{12}:[^:]+$", arn))])}: an alarm can tell only SNS topics of its own region, ${data.aws_region.this.id}, such as \"arn:aws:sns:${data.aws_region.this.id}:111111111111:alarms\"."
  }

  validation {
    condition     = !var.alarms.enabled || !var.link.notifications || !var.alarms.forward || local.commercial || data.aws_region.this.id == var.link.home_region
    error_message = "EventBridge does not route events between regions in ${var.link.partition}, so the alarms of ${data.aws_region.this.id} can't be passed on: set alarms.forward to false, and name an SNS topic of that region in alarms.topic_arns."
  }

  validation {
    condition     = !var.alarms.enabled || !var.link.notifications || var.alarms.forward || length(var.alarms.topic_arns) > 0
    error_message = "alarms.forward is false and alarms.topic_arns is empty: nobody would be told of the alarms. Name an SNS topic of this region, or set alarms.enabled to false."
  }

  validation {
    condition     = var.alarms.oldest_job_minutes >= 1
    error_message = "alarms.oldest_job_minutes is ${var.alarms.oldest_job_minutes}: expected 1 or more."
  }
}
