# What these may hold is checked where they are used: in modules/central and modules/per-region.

variable "name" {
  description = "What everything is named after: `<name>-collector`, `<name>-jobs.fifo`, `/<name>/rules/…`. The same in all modules."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false
}

variable "adopt" {
  description = "Whether a deployment of the same name that is there already is this one: `true` for the one apply that upgrades from 0.1, which did not remember it. Otherwise such a plan is refused."
  type        = bool
  default     = false
  nullable    = false
}

variable "netskope_tenant" {
  description = "The Netskope tenant: `acme`, `acme.eu`, or its whole host name, `acme.goskope.com`."
  type        = string
  nullable    = false
}

variable "api_token" {
  description = "The Netskope REST API token (API v1). It goes into the secret that `api_token_secret` describes, and neither into the state nor into a plan. Null: the secret is yours."
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
    # The KMS key that encrypts the secret. Null: the account's `aws/secretsmanager`, which costs nothing.
    kms_key_arn = optional(string)
    # For how many days a secret that a destroy removed can be brought back, 7 to 30; until then its name is taken. 0: gone at once.
    recovery_days = optional(number, 7)
  })
  default  = {}
  nullable = false

  # Secrets Manager is asked in the collector's own region, whatever region the ARN names.
}

variable "rules" {
  description = "The rules to enforce, by id or by legacy id (`CIS-1-2-0-4-1`). A rule that is not named here is not polled. Checked at plan: every mistake is named, misspelt words included."
  # The type is that of `rules` in modules/_settings/typed. Here it would drop misspelt words before anyone saw them.
  type     = any
  nullable = false
}

variable "account_groups" {
  description = "Accounts by the name of a group, so that their ids are written once: `{ production = [\"111111111111\"] }`. An account may be in several."
  type        = map(set(string))
  default     = {}
  nullable    = false
}

variable "accounts" {
  description = "The only accounts that any rule is on for. Empty: all. A rule's own `accounts` narrow this further."
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
  description = "The most that any rule does in single accounts: `{ \"111111111111\" = \"dry_run\" }`. It only lowers what a rule says, and goes before `mode_by_group`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "mode_by_group" {
  description = "The most that any rule does in the accounts of a group: `{ production = \"dry_run\" }`. It only lowers what a rule says; of several groups the lowest counts."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "new_accounts" {
  description = "The most that any rule does in accounts that joined the organization lately. Null: nothing of the kind."
  type = object({
    # The most that any rule does there: off, dry_run or enforce.
    mode = optional(string, "dry_run")
    # For how many days after the account joined. Then its groups' modes count.
    days = optional(number, 14)
    # When each account joined, such as 2026-05-04T08:00:00Z: `joined_timestamp` of `aws_organizations_account`.
    joined = map(string)
  })
  default = null
}

variable "protect_own_account" {
  description = "Whether this account's own findings are cured: it then gets a target role, too."
  type        = bool
  default     = true
  nullable    = false
}

variable "undo" {
  description = "Whether the target role holds what only an undo needs, such as deleting a flow log that a rule made. Turn it on before you undo changes; where nobody does, it can stay off."
  type        = bool
  default     = false
  nullable    = false
}

variable "organization_id" {
  description = "The AWS Organization's id, `o-…`: the remediator then assumes roles of its accounts alone, and the target role trusts nobody outside it. Null: not asked for."
  type        = string
  default     = null
}

variable "region_labels" {
  description = "Further names of regions in Netskope's findings, each with the region's code: `{ \"Mexico(Central)\" = \"mx-central-1\" }`. The published ones are known."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "schedule" {
  description = "When Netskope is asked for findings: `expression` (`rate(…)` or `cron(…)`, for rules that have none of their own), `time_zone` of a `cron` and of maintenance windows, and `flexible_window_minutes`, within which polls are spread (0: none). `maintenance_window`: the only time in which anything is changed, for rules that have none of their own: from `start` (`22:00`) on each of `days` (`MON` to `SUN`, all by default) to the `end` that follows; the same start and end are a whole day. Outside it findings end `deferred`, with the plan. Null: at any time."
  type = object({
    expression              = optional(string, "rate(1 hour)")
    time_zone               = optional(string, "UTC")
    flexible_window_minutes = optional(number, 5)
    maintenance_window = optional(object({
      days  = optional(set(string), ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"])
      start = string
      end   = string
    }))
  })
  default  = {}
  nullable = false
}

variable "external_id" {
  description = "External id that the remediators give when they assume a target role: the same in `target`. Null: `<name>-<security account id>`."
  type        = string
  default     = null
}

variable "iam" {
  description = "Path and permissions boundary of the roles in the security account, and `target_role_path`, the path of the roles in the target accounts: the same as `iam.path` in `target`."
  type = object({
    path                     = optional(string, "/")
    permissions_boundary_arn = optional(string)
    target_role_path         = optional(string, "/")
  })
  default  = {}
  nullable = false
}

variable "lambda" {
  description = "Settings of all functions, in every region: `architecture` (`arm64`, `x86_64`), `log_level` (`DEBUG`, `INFO`, `WARN`, `ERROR`), `log_retention_days`, `tracing` (X-Ray)."
  type = object({
    architecture       = optional(string, "arm64")
    log_level          = optional(string, "INFO")
    log_retention_days = optional(number, 90)
    tracing            = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "collector" {
  description = "Settings of the collector: `memory_size` in MB, `timeout` in seconds, `reserved_concurrency` (null: unreserved), and a VPC's `subnet_ids` and `security_group_ids` (none: no VPC; in a VPC it needs a way to Netskope and to AWS)."
  type = object({
    memory_size          = optional(number, 512)
    timeout              = optional(number, 900)
    reserved_concurrency = optional(number)
    subnet_ids           = optional(list(string), [])
    security_group_ids   = optional(list(string), [])
  })
  default  = {}
  nullable = false
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
}

variable "evidence" {
  description = "The evidence bucket and the findings table: `retention_days` after which objects are deleted; `force_destroy`, which lets a destroy delete the table and a bucket that holds evidence; `table_kms_key_arn`, a key of yours that encrypts the table (null: DynamoDB's own key)."
  type = object({
    retention_days    = optional(number, 400)
    force_destroy     = optional(bool, false)
    table_kms_key_arn = optional(string)
  })
  default  = {}
  nullable = false
}

variable "alarms" {
  description = "Alarms: `enabled`, `topic_arns`, the SNS topics of this region that are told besides `notifications`, and `oldest_job_minutes`, the age from which a waiting job is too old."
  type = object({
    enabled            = optional(bool, true)
    topic_arns         = optional(list(string), [])
    oldest_job_minutes = optional(number, 60)
  })
  default  = {}
  nullable = false
}

variable "notifications" {
  description = "Who is told, in words, of what a person must look at: `email_addresses` (each must confirm its subscription once). They are told of every alarm of all regions; findings that failed or could not be worked on are alarms too, one a region for all that failed. `each_finding`: besides, one message for each finding of `outcomes` (`deferred`, `failed`, `not_applicable`, `unprocessable`) at each poll. `enabled`: whether there is a topic at all; others may subscribe to it, too. `kms_key_arn`: a key of yours that encrypts messages at rest and that EventBridge may use. Null: no key, because the one that AWS has for SNS can't be used by EventBridge."
  type = object({
    enabled         = optional(bool, true)
    email_addresses = optional(set(string), [])
    each_finding    = optional(bool, false)
    outcomes        = optional(set(string), ["failed", "unprocessable"])
    kms_key_arn     = optional(string)
  })
  default  = {}
  nullable = false
}

variable "dashboard" {
  description = "Whether there is a CloudWatch dashboard of all regions: findings and outcomes by rule, age of the oldest job, failures and dead letters. An account's first three dashboards are free."
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
