# What these may hold is checked where they are used: in modules/central and modules/per-region.

variable "name" {
  description = "The prefix of every resource's name, such as `<name>-collector` and `<name>-jobs.fifo`; the same in all modules."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false
}

variable "adopt" {
  description = "Whether an existing deployment of the same name is this one: set it to `true` for the one apply that upgrades from 0.1, which is refused otherwise."
  type        = bool
  default     = false
  nullable    = false
}

variable "netskope_tenant" {
  description = "The Netskope tenant: `acme`, `acme.eu`, or its host name `acme.goskope.com`."
  type        = string
  nullable    = false
}

variable "api_token" {
  description = "The Netskope REST API token (API v1), written to the secret that `api_token_secret` describes and never to the state or a plan; null where the secret is yours."
  type        = string
  default     = null
  sensitive   = true
  # An ephemeral variable is ephemeral as a whole, and nothing that is made could depend on it: so the rest is apart.
  ephemeral = true
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

  # Secrets Manager is asked in the collector's own region, whatever region the ARN names.
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

variable "events" {
  description = "Which outcomes are events on the bus: \"changed\" (those that are other than at the last poll, or that changed something) or \"all\"."
  type        = string
  default     = "changed"
  nullable    = false
}

variable "protect_own_account" {
  description = "Whether this account's own findings are remediated: it then gets a target role, too."
  type        = bool
  default     = true
  nullable    = false
}

variable "undo" {
  description = "Whether the target role holds the permissions that only an undo needs, such as deleting a flow log that a rule created; set it to `true` before you undo changes."
  type        = bool
  default     = false
  nullable    = false
}

variable "organization_id" {
  description = "The AWS Organization's id, `o-…`: the remediator assumes roles of its accounts only, and the target role trusts nobody outside it; null: no such condition."
  type        = string
  default     = null
}

variable "region_labels" {
  description = "Further names of regions in Netskope's findings, each with the region's code: `{ \"Mexico(Central)\" = \"mx-central-1\" }`; the published names are built in."
  type        = map(string)
  default     = {}
  nullable    = false
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
}

variable "remediator" {
  description = "Settings of the remediator's function."
  type = object({
    # Memory in MB, 128 to 10240; CPU grows with it.
    memory_size = optional(number, 1024)
    # Timeout in seconds, 90 to 900. A message stays invisible for six times as long.
    timeout = optional(number, 300)
    # Jobs per invocation, 1 to 10. With one, a slow job of one account delays no other account's jobs.
    batch_size = optional(number, 1)
    # Concurrent invocations, besides 2 for delayed jobs. A new AWS account has 10 for all functions of a region.
    maximum_concurrency = optional(number, 5)
    # Reserved concurrent invocations, at least `maximum_concurrency` and 2. Null: unreserved.
    reserved_concurrency = optional(number)
    # Subnets of a VPC from which it reaches AWS. Empty: no VPC.
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
}

variable "queue" {
  description = "Settings of the job queue."
  type = object({
    # How many attempts a job has before it becomes a dead letter.
    max_receive_count = optional(number, 5)
    # How many days jobs are kept, 1 to 14.
    retention_days = optional(number, 4)
    # Seconds before an unfinished job's second attempt, 0 to 900. They double for each further attempt, up to 15 minutes.
    retry_delay_seconds = optional(number, 30)
    # How many days dead letters are kept, from `retention_days` to 14.
    dead_letter_retention_days = optional(number, 14)
  })
  default  = {}
  nullable = false
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

variable "encryption" {
  description = "Your KMS keys by region, in place of AWS's own; a misspelt word in it is a mistake at plan."
  # The type is that of `encryption` in modules/_settings/typed. Here it would drop misspelt words before anyone saw them.
  type     = any
  default  = {}
  nullable = false
}

variable "alarms" {
  description = "Settings of the CloudWatch alarms."
  type = object({
    # Whether there are any.
    enabled = optional(bool, true)
    # SNS topics of this region that get every alarm, besides `notifications`.
    topic_arns = optional(list(string), [])
    # The age in minutes from which a waiting job raises an alarm.
    oldest_job_minutes = optional(number, 60)
  })
  default  = {}
  nullable = false
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
}

variable "dashboard" {
  description = "Whether to create a CloudWatch dashboard of all regions (findings and outcomes by rule, age of the oldest job, failures, dead letters); an account's first three are free."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of everything, in all regions."
  type        = map(string)
  default     = {}
  nullable    = false
}
