variable "remediator" {
  description = "Settings of the remediator's function."
  type = object({
    # Memory in MB, 128 to 10240; CPU grows with it. A job needs about 110 MB.
    memory_size = optional(number, 512)
    # Timeout in seconds, 90 to 900. A message stays invisible for six times as long.
    timeout = optional(number, 300)
    # Concurrent invocations, in addition to 2 for delayed jobs. A new AWS account has a quota of 10 for all functions of a region.
    maximum_concurrency = optional(number, 5)
    # Reserved concurrent invocations, at least `maximum_concurrency` plus 2. Null: unreserved.
    reserved_concurrency = optional(number)
    # Subnets of a VPC from which it reaches AWS. Empty: no VPC.
    subnet_ids = optional(list(string), [])
    # Security groups in that VPC. Empty: no VPC.
    security_group_ids = optional(list(string), [])
    # Additional Lambda layers in the function's region, by version ARN.
    layers = optional(list(string), [])
    # Additional environment variables, for example for a layer; no secrets.
    environment = optional(map(string), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.remediator.layers) <= 5 && alltrue([for arn in var.remediator.layers : can(regex("^arn:[a-z-]+:lambda:${var.region}:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", arn))])
    error_message = "remediator.layers is ${jsonencode(var.remediator.layers)}: expected at most 5 ARNs of layer versions of ${var.region}, such as \"arn:aws:lambda:${var.region}:111111111111:layer:agent:1\"."
  }

  validation {
    condition     = var.remediator.memory_size >= 128 && var.remediator.memory_size <= 10240 && floor(var.remediator.memory_size) == var.remediator.memory_size
    error_message = "remediator.memory_size is ${var.remediator.memory_size}: expected a whole number, 128 to 10240 MB."
  }

  validation {
    condition     = var.remediator.timeout >= 90 && var.remediator.timeout <= 900 && floor(var.remediator.timeout) == var.remediator.timeout
    error_message = "remediator.timeout is ${var.remediator.timeout}: expected a whole number, 90 to 900 seconds. The remediator reserves the last 45 seconds for reading back and recording its changes; with a shorter timeout, it would never change anything."
  }

  validation {
    condition     = var.remediator.maximum_concurrency >= 2 && var.remediator.maximum_concurrency <= 1000 && floor(var.remediator.maximum_concurrency) == var.remediator.maximum_concurrency
    error_message = "remediator.maximum_concurrency is ${var.remediator.maximum_concurrency}: expected a whole number, 2 to 1000."
  }

  validation {
    condition     = var.remediator.reserved_concurrency == null ? true : var.remediator.reserved_concurrency >= var.remediator.maximum_concurrency + var.delayed_concurrency && floor(var.remediator.reserved_concurrency) == var.remediator.reserved_concurrency
    error_message = "remediator.reserved_concurrency is ${coalesce(var.remediator.reserved_concurrency, 0)}: expected a whole number, at least ${var.remediator.maximum_concurrency + var.delayed_concurrency}, maximum_concurrency and ${var.delayed_concurrency} for delayed jobs, or jobs are throttled into the dead-letter queue."
  }

  validation {
    condition     = (length(var.remediator.subnet_ids) == 0) == (length(var.remediator.security_group_ids) == 0)
    error_message = "remediator has ${length(var.remediator.subnet_ids)} subnet_ids and ${length(var.remediator.security_group_ids)} security_group_ids: expected both, for a VPC, or neither."
  }
}

variable "queue" {
  description = "Settings of the job queue."
  type = object({
    # The number of attempts before a job becomes a dead letter.
    max_receive_count = optional(number, 5)
    # The number of days for which jobs are kept, 1 to 14.
    retention_days = optional(number, 4)
    # Seconds before an unfinished job's second attempt, 0 to 900. They double for each further attempt, up to 15 minutes.
    retry_delay_seconds = optional(number, 30)
    # The number of days for which dead letters are kept, from `retention_days` to 14.
    dead_letter_retention_days = optional(number, 14)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.queue.max_receive_count >= 1 && var.queue.max_receive_count <= 1000 && floor(var.queue.max_receive_count) == var.queue.max_receive_count
    error_message = "queue.max_receive_count is ${var.queue.max_receive_count}: expected a whole number, 1 to 1000."
  }

  validation {
    condition     = var.queue.retry_delay_seconds >= 0 && var.queue.retry_delay_seconds <= 900 && floor(var.queue.retry_delay_seconds) == var.queue.retry_delay_seconds
    error_message = "queue.retry_delay_seconds is ${var.queue.retry_delay_seconds}: expected a whole number, 0 to 900."
  }

  validation {
    condition     = alltrue([for days in [var.queue.retention_days, var.queue.dead_letter_retention_days] : days >= 1 && days <= 14 && floor(days) == days])
    error_message = "queue.retention_days is ${var.queue.retention_days} and dead_letter_retention_days ${var.queue.dead_letter_retention_days}: expected whole numbers, 1 to 14 days, which SQS supports."
  }

  # In a standard queue, a dead letter keeps the age of its original message.
  validation {
    condition     = var.queue.dead_letter_retention_days >= var.queue.retention_days
    error_message = "queue.dead_letter_retention_days is ${var.queue.dead_letter_retention_days}: expected at least retention_days, ${var.queue.retention_days}. A dead letter keeps its age, so one that had waited long would be deleted immediately."
  }
}

variable "alarms" {
  description = "Alarms of this region."
  type = object({
    # Whether to create them.
    enabled = optional(bool, true)
    # SNS topics in this region that get every alarm, in addition to `notifications`.
    topic_arns = optional(list(string), [])
    # Whether to forward alarms to `notifications` in the home region. Outside the partition `aws`, only the home region can: set it to false in other regions.
    forward = optional(bool, true)
    # The age, in minutes, at which a waiting job raises an alarm.
    oldest_job_minutes = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for arn in var.alarms.topic_arns : can(regex("^arn:[a-z-]+:sns:${var.region}:[0-9]{12}:[^:]+$", arn))])
    error_message = "alarms.topic_arns contains ${join(", ", [for arn in var.alarms.topic_arns : "\"${arn}\"" if !can(regex("^arn:[a-z-]+:sns:${var.region}:[0-9]{12}:[^:]+$", arn))])}: expected SNS topics of the alarms' own region, ${var.region}, such as \"arn:aws:sns:${var.region}:111111111111:alarms\"."
  }

  validation {
    condition     = !var.alarms.enabled || !var.notifications || !var.alarms.forward || var.partition == "aws" || var.region == var.home_region
    error_message = "EventBridge does not route events between regions in ${var.partition}, so the alarms of ${var.region} cannot be forwarded: set alarms.forward to false, and name an SNS topic of that region in alarms.topic_arns."
  }

  validation {
    condition     = !var.alarms.enabled || !var.notifications || var.alarms.forward || length(var.alarms.topic_arns) > 0
    error_message = "alarms.forward is false and alarms.topic_arns is empty: the alarms would notify nobody. Name an SNS topic of this region, or set alarms.enabled to false."
  }

  validation {
    condition     = var.alarms.oldest_job_minutes >= 1
    error_message = "alarms.oldest_job_minutes is ${var.alarms.oldest_job_minutes}: expected 1 or more."
  }
}

variable "region" {
  description = "The region of `per-region`."
  type        = string
  nullable    = false
}

variable "home_region" {
  description = "The region of `central`."
  type        = string
  nullable    = false
}

variable "partition" {
  description = "The partition; only in `aws` can alarms be forwarded between regions."
  type        = string
  nullable    = false
}

variable "notifications" {
  description = "Whether the home region has the topic of notifications."
  type        = bool
  nullable    = false
}

variable "delayed_concurrency" {
  description = "How many invocations delayed jobs may use."
  type        = number
  nullable    = false
}
