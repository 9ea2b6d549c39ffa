variable "name" {
  description = "The prefix of every resource's name, such as `<name>-collector` and `<name>-jobs.fifo`; the same in all modules."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", var.name)) && length(var.name) <= 32 && !can(regex("^(aws|ssm|xn--|sthree-|amzn-s3-demo-)", var.name))
    error_message = "name is \"${var.name}\": expected at most 32 small letters, digits and hyphens, beginning with a letter and ending without a hyphen; not beginning with \"aws\" or \"ssm\", which parameters must not, nor with \"xn--\", \"sthree-\" or \"amzn-s3-demo-\", which buckets must not."
  }
}

variable "netskope_tenant" {
  description = "The Netskope tenant: `acme`, `acme.eu`, or its host name `acme.goskope.com`."
  type        = string
  nullable    = false

  validation {
    condition = (
      can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z]{2})?$", var.netskope_tenant)) ||
      can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\\.goskope\\.com$", var.netskope_tenant))
    )
    error_message = "netskope_tenant is \"${var.netskope_tenant}\": expected a tenant's name (acme), with its domain (acme.eu), or a host name (acme.goskope.com), in small letters, without \"https://\" and without a path."
  }
}

variable "regions" {
  description = "The regions that have a `per-region` module, the home region among them; null: the home region alone."
  type        = set(string)
  default     = null

  validation {
    condition     = alltrue([for region in coalesce(var.regions, []) : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "regions holds ${join(", ", [for region in coalesce(var.regions, []) : "\"${region}\"" if !can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])}: expected region codes such as \"eu-central-1\"."
  }

  validation {
    condition     = var.regions == null || contains(coalesce(var.regions, []), data.aws_region.this.id)
    error_message = "regions is [${join(", ", coalesce(var.regions, []))}]: add \"${data.aws_region.this.id}\", the region of this module's provider, where findings of no region are remediated."
  }

  # Regions of another partition have accounts and credentials of their own.
  validation {
    condition = alltrue([
      for region in coalesce(var.regions, []) :
      (startswith(region, "cn-") ? "aws-cn" : startswith(region, "us-gov-") ? "aws-us-gov" : "aws") == data.aws_partition.this.partition
    ])
    error_message = "regions is [${join(", ", coalesce(var.regions, []))}]: expected regions of the partition ${data.aws_partition.this.partition} alone. Another partition needs a deployment of its own."
  }
}

variable "organization_id" {
  description = "The AWS Organization's id, `o-…`: the remediators assume roles of its accounts only; null: of any account whose role trusts them."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id is \"${coalesce(var.organization_id, "null")}\": expected an id such as \"o-a1b2c3d4e5\"."
  }
}

variable "poll_after" {
  description = "Values that must be known before the first poll, so that it finds its queues and roles: the `region` output of each `per-region` module and the role ARN of each `target` in the same configuration."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "region_labels" {
  description = "Further names of regions in Netskope's findings, each with the region's code: `{ \"Mexico(Central)\" = \"mx-central-1\" }`; the published names are built in."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for region in values(var.region_labels) : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "region_labels holds ${join(", ", [for label, region in var.region_labels : "\"${label}\" = \"${region}\"" if !can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])}: expected each label with a region's code, such as \"eu-central-1\"."
  }
}

variable "schedule" {
  description = "When Netskope is asked for findings, and when changes are allowed."
  type        = any
  default     = {}
  nullable    = false
}

variable "external_id" {
  description = "The external id that the remediators give when they assume a target role, the same in `central` and `target`; null: `<name>-<security account id>`."
  type        = string
  default     = null

  validation {
    condition     = var.external_id == null ? true : can(regex("^[\\w+=,.@:/-]{2,}$", var.external_id)) && length(var.external_id) <= 1224
    error_message = "external_id is \"${coalesce(var.external_id, "null")}\": expected 2 to 1224 letters, digits and characters of _+=,.@:/-"
  }
}

variable "iam" {
  description = "Settings of the IAM roles in the security account, and the path of the target roles."
  type = object({
    # The path of the roles.
    path = optional(string, "/")
    # The ARN of the roles' permissions boundary. Null: none.
    permissions_boundary_arn = optional(string)
    # The path of the roles in the target accounts: the same as `iam.path` in `target`.
    target_role_path = optional(string, "/")
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for path in [var.iam.path, var.iam.target_role_path] : can(regex("^/([\\w+=,.@-]+/)*$", path))])
    error_message = "iam.path is \"${var.iam.path}\" and iam.target_role_path is \"${var.iam.target_role_path}\": expected \"/\", or a path that begins and ends with it, such as \"/security/\"."
  }

  validation {
    condition     = var.iam.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::(\\d{12}|aws):policy/.+$", var.iam.permissions_boundary_arn))
    error_message = "iam.permissions_boundary_arn is \"${coalesce(var.iam.permissions_boundary_arn, "null")}\": expected a policy's ARN, such as \"arn:aws:iam::111111111111:policy/boundary\"."
  }
}

variable "lambda" {
  description = "Settings of all functions, in every region."
  type = object({
    # `arm64` or `x86_64`.
    architecture = optional(string, "arm64")
    # `DEBUG`, `INFO`, `WARN` or `ERROR`.
    log_level = optional(string, "INFO")
    # How many days the functions' logs are kept.
    log_retention_days = optional(number, 90)
    # Whether X-Ray traces the functions.
    tracing = optional(bool, false)
    # The Lambda runtime: `nodejs22.x`, for which the functions are built, or a later one.
    runtime = optional(string, "nodejs22.x")
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^nodejs(2[2-9]|[3-9][0-9])\\.x$", var.lambda.runtime))
    error_message = "lambda.runtime is \"${var.lambda.runtime}\": expected \"nodejs22.x\" or a later one."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.lambda.architecture)
    error_message = "lambda.architecture is \"${var.lambda.architecture}\": expected \"arm64\" or \"x86_64\"."
  }

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.lambda.log_level)
    error_message = "lambda.log_level is \"${var.lambda.log_level}\": expected \"DEBUG\", \"INFO\", \"WARN\" or \"ERROR\"."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.lambda.log_retention_days)
    error_message = "lambda.log_retention_days is ${var.lambda.log_retention_days}: expected 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653, as CloudWatch Logs takes."
  }
}

variable "collector" {
  description = "Settings of the collector's function."
  type = object({
    # Memory in MB, 128 to 10240.
    memory_size = optional(number, 512)
    # Timeout in seconds, 30 to 900.
    timeout = optional(number, 900)
    # Reserved concurrent invocations. Null: unreserved.
    reserved_concurrency = optional(number)
    # Subnets of a VPC from which it reaches Netskope and AWS. Empty: no VPC.
    subnet_ids = optional(list(string), [])
    # Security groups in that VPC. Empty: no VPC.
    security_group_ids = optional(list(string), [])
    # Further Lambda layers of the function's region, by the ARN of a version.
    layers = optional(list(string), [])
    # Further environment variables, such as those of a layer; nothing secret.
    environment = optional(map(string), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.collector.layers) <= 5 && alltrue([for arn in var.collector.layers : can(regex("^arn:[a-z-]+:lambda:${data.aws_region.this.id}:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$", arn))])
    error_message = "collector.layers is ${jsonencode(var.collector.layers)}: expected at most 5 ARNs of layer versions of ${data.aws_region.this.id}, such as \"arn:aws:lambda:${data.aws_region.this.id}:111111111111:layer:agent:1\"."
  }

  validation {
    condition     = var.collector.memory_size >= 128 && var.collector.memory_size <= 10240
    error_message = "collector.memory_size is ${var.collector.memory_size}: expected 128 to 10240 MB."
  }

  validation {
    condition     = var.collector.timeout >= 30 && var.collector.timeout <= 900
    error_message = "collector.timeout is ${var.collector.timeout}: expected 30 to 900 seconds."
  }

  validation {
    condition     = (length(var.collector.subnet_ids) == 0) == (length(var.collector.security_group_ids) == 0)
    error_message = "collector has ${length(var.collector.subnet_ids)} subnet_ids and ${length(var.collector.security_group_ids)} security_group_ids: expected both, for a VPC, or neither."
  }
}

variable "evidence" {
  description = "Settings of the evidence bucket and the findings table."
  type = object({
    # Whether the evidence bucket is made. If not, `bucket` names one of yours.
    create_bucket = optional(bool, true)
    # The name of an existing bucket of this account and the home region, for this deployment alone.
    bucket = optional(string)
    # After how many days evidence is deleted.
    retention_days = optional(number, 400)
    # After how many days a version that was written over or deleted is deleted for good.
    noncurrent_days = optional(number, 30)
    # Storage classes that objects move to with age, all readable at once: `STANDARD_IA`, `ONEZONE_IA`, `INTELLIGENT_TIERING`, `GLACIER_IR`.
    transitions = optional(list(object({
      # The age in days.
      days = number
      # The storage class.
      storage_class = string
    })), [])
    # Makes S3 refuse to delete each version for some days. Null: no lock.
    object_lock = optional(object({
      # `GOVERNANCE`, which privileged users can lift, or `COMPLIANCE`, which nobody can.
      mode = optional(string, "GOVERNANCE")
      # For how many days.
      days = number
    }))
    # Where S3 logs each access. Null: nowhere.
    access_log = optional(object({
      # The bucket for the log, whose policy lets `logging.s3.amazonaws.com` write.
      bucket = string
      # What the log's keys begin with.
      prefix = optional(string, "")
    }))
    # Further statements of the bucket's policy; without a `Resource` they are about the bucket and its objects.
    policy_statements = optional(any, [])
    # Whether a destroy may delete the findings table and a bucket that holds evidence.
    force_destroy = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = (var.evidence.bucket != null) == !var.evidence.create_bucket
    error_message = "evidence has create_bucket = ${var.evidence.create_bucket} and ${var.evidence.bucket == null ? "no bucket" : "a bucket"}: expected a bucket where create_bucket is false, and only there."
  }

  validation {
    condition     = var.evidence.bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.evidence.bucket))
    error_message = "evidence.bucket is \"${coalesce(var.evidence.bucket, "null")}\": expected a bucket's name, not its ARN."
  }

  validation {
    condition = var.evidence.create_bucket || (
      var.evidence.object_lock == null && var.evidence.access_log == null && length(var.evidence.transitions) == 0 && length(var.evidence.policy_statements) == 0
    )
    error_message = "evidence has create_bucket = false, and object_lock, access_log, transitions or policy_statements: a bucket of your own is not changed. Set them there, and leave them out here."
  }

  validation {
    condition     = var.evidence.noncurrent_days >= 1 && floor(var.evidence.noncurrent_days) == var.evidence.noncurrent_days
    error_message = "evidence.noncurrent_days is ${var.evidence.noncurrent_days}: expected a whole number of days, 1 or more."
  }

  # S3 takes objects into the two infrequent classes after 30 days.
  validation {
    condition = alltrue([
      for transition in var.evidence.transitions :
      contains(["INTELLIGENT_TIERING", "GLACIER_IR"], transition.storage_class) && transition.days >= 0 ||
      contains(["STANDARD_IA", "ONEZONE_IA"], transition.storage_class) && transition.days >= 30
    ])
    error_message = "evidence.transitions is ${jsonencode(var.evidence.transitions)}: expected STANDARD_IA or ONEZONE_IA after 30 days or more, INTELLIGENT_TIERING or GLACIER_IR. What has to be restored first can't be read by later attempts."
  }

  validation {
    condition     = var.evidence.object_lock == null ? true : contains(["GOVERNANCE", "COMPLIANCE"], var.evidence.object_lock.mode) && var.evidence.object_lock.days >= 1 && floor(var.evidence.object_lock.days) == var.evidence.object_lock.days
    error_message = "evidence.object_lock is ${jsonencode(var.evidence.object_lock)}: expected mode GOVERNANCE or COMPLIANCE, and a whole number of days, 1 or more."
  }

  validation {
    condition     = !var.evidence.force_destroy || try(var.evidence.object_lock.mode != "COMPLIANCE", true)
    error_message = "evidence has force_destroy = true and an object_lock of mode COMPLIANCE: nobody can delete such evidence before its days are over. Set force_destroy to false, or mode to GOVERNANCE."
  }

  validation {
    condition     = alltrue([for statement in var.evidence.policy_statements : alltrue([for word in ["Effect", "Principal", "Action"] : can(statement[word]) || word == "Action" && can(statement.NotAction) || word == "Principal" && can(statement.NotPrincipal)])])
    error_message = "evidence.policy_statements holds a statement without Effect, Principal or Action: expected statements of a bucket policy, such as { Sid, Effect, Principal, Action, Condition }."
  }

  validation {
    condition     = var.evidence.retention_days >= 1 && floor(var.evidence.retention_days) == var.evidence.retention_days
    error_message = "evidence.retention_days is ${var.evidence.retention_days}: expected a whole number of days, 1 or more."
  }
}

variable "alarms" {
  description = "Settings of the CloudWatch alarms of the home region."
  type = object({
    # Whether there are any.
    enabled = optional(bool, true)
    # SNS topics of this region that get every alarm, besides `notifications`.
    topic_arns = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for arn in var.alarms.topic_arns : can(regex("^arn:[a-z-]+:sns:${data.aws_region.this.id}:[0-9]{12}:[^:]+$", arn))])
    error_message = "alarms.topic_arns holds ${join(", ", [for arn in var.alarms.topic_arns : "\"${arn}\"" if !can(regex("^arn:[a-z-]+:sns:${data.aws_region.this.id}:[0-9]{12}:[^:]+$", arn))])}: expected SNS topics of the alarms' own region, ${data.aws_region.this.id}, such as \"arn:aws:sns:${data.aws_region.this.id}:111111111111:alarms\"."
  }
}

variable "tags" {
  description = "Tags of everything, in all regions."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "audit_trail" {
  description = "A CloudTrail trail of who writes settings and, besides the functions, the findings table; null: none."
  type = object({
    # The S3 bucket that gets the log files, best in an account for logs. Its policy must let CloudTrail write there.
    bucket = string
    # A prefix of their keys. Null: none.
    key_prefix = optional(string)
    # The KMS key that encrypts them; CloudTrail must be allowed to use it. Null: the bucket's own encryption.
    kms_key_arn = optional(string)
  })
  default = null
}

variable "dashboard" {
  description = "Whether to create a CloudWatch dashboard of all regions (findings and outcomes by rule, age of the oldest job, failures, dead letters); an account's first three are free."
  type        = bool
  default     = true
  nullable    = false
}

variable "adopt" {
  description = "Whether an existing deployment of the same name is this one: set it to `true` for the one apply that upgrades from 0.1, which is refused otherwise."
  type        = bool
  default     = false
  nullable    = false
}

variable "encryption" {
  description = "Your KMS keys by region, in place of AWS's own; a misspelt word in it is a mistake at plan."
  # The type is that of `encryption` in modules/_settings/typed. Here it would drop misspelt words before anyone saw them.
  type     = any
  default  = {}
  nullable = false
}

variable "events" {
  description = "Which outcomes are events on the bus: \"changed\" (those that are other than at the last poll, or that changed something) or \"all\"."
  type        = string
  default     = "changed"
  nullable    = false

  validation {
    condition     = contains(["changed", "all"], var.events)
    error_message = "events is \"${var.events}\": expected \"changed\" or \"all\"."
  }
}

variable "event_bus" {
  description = "The EventBridge bus that carries outcomes, to which your own rules may listen."
  type = object({
    # Whether the bus is made, named after `name`. If not, `name` names one of yours.
    create = optional(bool, true)
    # The name of an existing bus of this account and the home region, other than `default`.
    name = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = (var.event_bus.name != null) == !var.event_bus.create
    error_message = "event_bus has create = ${var.event_bus.create} and ${var.event_bus.name == null ? "no name" : "a name"}: expected a name where create is false, and only there."
  }

  # Alarms would go round on it: they are passed on from there.
  validation {
    condition     = var.event_bus.name == null || can(regex("^[A-Za-z0-9._-]{1,256}$", var.event_bus.name)) && var.event_bus.name != "default"
    error_message = "event_bus.name is \"${coalesce(var.event_bus.name, "null")}\": expected the name of a custom bus, not its ARN and not \"default\", from which alarms are passed on to it."
  }
}

variable "notifications" {
  description = "Who gets a message about every alarm of all regions, which includes findings that failed or could not be processed."
  type = object({
    # Whether there is an SNS topic, to which others may subscribe as well.
    enabled = optional(bool, true)
    # Whether the topic is made. If not, `topic_arn` names one of yours.
    create_topic = optional(bool, true)
    # An existing topic of the home region, whose policy lets EventBridge and CloudWatch publish.
    topic_arn = optional(string)
    # Addresses that get the messages. Each must confirm its subscription once.
    email_addresses = optional(set(string), [])
    # Whether there is also a message for each finding of `outcomes`, at each poll.
    each_finding = optional(bool, false)
    # The outcomes of `each_finding`: `deferred`, `failed`, `not_applicable`, `unprocessable`.
    outcomes = optional(set(string), ["failed", "unprocessable"])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for address in var.notifications.email_addresses : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "notifications.email_addresses holds ${join(", ", [for address in var.notifications.email_addresses : "\"${address}\"" if !can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])}: expected addresses such as \"security@example.com\"."
  }

  # Those that always have a reason.
  validation {
    condition     = length(setsubtract(var.notifications.outcomes, local.outcomes_with_reason)) == 0
    error_message = "notifications.outcomes holds ${join(", ", [for outcome in setsubtract(var.notifications.outcomes, local.outcomes_with_reason) : "\"${outcome}\""])}: expected ${join(", ", formatlist("\"%s\"", local.outcomes_with_reason))}."
  }

  validation {
    condition     = var.notifications.each_finding || length(setsubtract(var.notifications.outcomes, local.outcomes_with_alarm)) == 0
    error_message = "notifications.outcomes holds ${join(", ", [for outcome in setsubtract(var.notifications.outcomes, local.outcomes_with_alarm) : "\"${outcome}\""])}, of which no alarm tells: set each_finding to true for a message for each finding, or leave it out."
  }

  validation {
    condition     = (var.notifications.topic_arn != null) == !var.notifications.create_topic
    error_message = "notifications has create_topic = ${var.notifications.create_topic} and ${var.notifications.topic_arn == null ? "no topic_arn" : "a topic_arn"}: expected a topic_arn where create_topic is false, and only there."
  }

  validation {
    condition     = var.notifications.topic_arn == null || can(regex("^arn:[a-z-]+:sns:${data.aws_region.this.id}:[0-9]{12}:[A-Za-z0-9_-]+$", var.notifications.topic_arn))
    error_message = "notifications.topic_arn is \"${coalesce(var.notifications.topic_arn, "null")}\": expected a standard topic of the home region, such as \"arn:aws:sns:${data.aws_region.this.id}:111111111111:alarms\"."
  }

  validation {
    condition     = var.notifications.enabled || length(var.notifications.email_addresses) == 0
    error_message = "notifications has email_addresses but is not enabled: nobody would be told. Set enabled to true, or leave the addresses out."
  }

  validation {
    condition     = var.alarms.enabled || var.notifications.each_finding || length(var.notifications.email_addresses) == 0
    error_message = "notifications has email_addresses, but alarms.enabled and notifications.each_finding are false: nobody would be told of anything. Enable one of them."
  }
}

variable "rules" {
  description = "The rules to enable, by id or legacy id (`CIS-1-2-0-4-1`); a plan names every mistake in them at once, misspelt words included."
  # The type is that of `rules` in modules/_settings/typed. Here it would drop misspelt words before anyone saw them.
  type     = any
  nullable = false
}

variable "account_groups" {
  description = "Account ids by group name, so that each id is written once: `{ production = [\"111111111111\"] }`; an account may be in several groups."
  type        = map(set(string))
  default     = {}
  nullable    = false
}

variable "accounts" {
  description = "The only accounts that any rule is on for, narrowed further by a rule's own `accounts`; empty: all accounts."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "excluded_accounts" {
  description = "Accounts that every rule is off for, whatever else is said of them."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "excluded_groups" {
  description = "Account groups that every rule is off for, whatever else is said of their accounts."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "mode_by_account" {
  description = "The highest mode of any rule in single accounts: `{ \"111111111111\" = \"dry_run\" }`; it only lowers a rule's mode, and takes precedence over `mode_by_group`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "mode_by_group" {
  description = "The highest mode of any rule in the accounts of a group: `{ production = \"dry_run\" }`; it only lowers a rule's mode, and of several groups the lowest counts."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "new_accounts" {
  description = "The highest mode of any rule in accounts that joined the organization recently; null: new accounts are like all others."
  type        = any
  default     = null
}

variable "api_token" {
  description = "The Netskope REST API token (API v1), written to the secret that `api_token_secret` describes and never to the state or a plan; null where the secret is yours."
  type        = string
  default     = null
  sensitive   = true
  # An ephemeral variable is ephemeral as a whole, and nothing that is made could depend on it: so the rest is apart.
  ephemeral = true

  validation {
    condition     = var.api_token == null || var.api_token_secret.create
    error_message = "api_token is given, and api_token_secret.create is false: a secret of your own is not written. Leave one of the two out."
  }

  validation {
    condition     = var.api_token != null || !var.api_token_secret.create
    error_message = "api_token is not given. Give it, or api_token_secret = { create = false, arn = … } where the token is in a secret of your own."
  }

  validation {
    condition     = var.api_token == null ? true : trimspace(var.api_token) == var.api_token && var.api_token != ""
    error_message = "api_token is empty, or begins or ends with white space: expected the token as Netskope shows it."
  }
}

variable "api_token_secret" {
  description = "The secret that holds the API token."
  type = object({
    # Whether this module makes the secret, of `api_token`. If not, `arn` names one of yours.
    create = optional(bool, true)
    # Raise it by one with a new `api_token`: Terraform can't see that a write-only value has changed.
    version = optional(number, 1)
    # An existing secret of the home region: the token as it stands, or `{"token": "…"}`.
    arn = optional(string)
    # For how many days a secret that a destroy removed can be brought back, 7 to 30; until then its name is taken. 0: gone at once.
    recovery_days = optional(number, 7)
  })
  default  = {}
  nullable = false

  validation {
    condition     = (var.api_token_secret.arn != null) == !var.api_token_secret.create
    error_message = "api_token_secret has create = ${var.api_token_secret.create} and ${var.api_token_secret.arn == null ? "no arn" : "an arn"}: expected an arn where create is false, and only there."
  }

  validation {
    condition     = var.api_token_secret.arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+$", var.api_token_secret.arn))
    error_message = "api_token_secret.arn is \"${coalesce(var.api_token_secret.arn, "null")}\": expected a secret's ARN, such as \"arn:aws:secretsmanager:eu-central-1:111111111111:secret:netskope-AbCdEf\"."
  }

  # Secrets Manager is asked in the collector's own region, whatever region the ARN names.
  validation {
    condition     = var.api_token_secret.arn == null ? true : try(split(":", var.api_token_secret.arn)[3], data.aws_region.this.id) == data.aws_region.this.id
    error_message = "api_token_secret.arn is \"${coalesce(var.api_token_secret.arn, "null")}\": expected a secret of the home region, ${data.aws_region.this.id}. Replicate it there."
  }

  validation {
    condition     = var.api_token_secret.recovery_days == 0 || (var.api_token_secret.recovery_days >= 7 && var.api_token_secret.recovery_days <= 30)
    error_message = "api_token_secret.recovery_days is ${var.api_token_secret.recovery_days}: expected 0, or 7 to 30."
  }
}
