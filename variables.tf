# modules/central and modules/per-region validate these.
#
# Object inputs have the type `any` here, because Terraform silently ignores attributes that a type does not name. modules/_inputs
# checks their attributes and kinds of values; modules/_settings/typed and modules/per-region/typed contain their types and
# validations.

variable "name" {
  description = "The prefix of every resource's name, such as `<name>-collector` and `<name>-jobs.fifo`; the same in all modules."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false
}

variable "adopt" {
  description = "Set to `true` only for the apply that upgrades from 0.1: confirms that the existing deployment of the same name is this one."
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
  description = "The Netskope REST API token (API v1), written to the secret of `api_token_secret`, and never to the state or a plan; null if you use an existing secret."
  type        = string
  default     = null
  sensitive   = true
  # Separate from the other token settings, because a variable is ephemeral as a whole, and resources cannot depend on it.
  ephemeral = true
}

variable "api_token_secret" {
  description = "The secret that contains the API token."
  type        = any
  default     = {}
  nullable    = false
}

variable "rules" {
  description = "The rules to enable, by id or legacy id (`CIS-1-2-0-4-1`); a plan lists all mistakes in them at once, including misspelled attributes."
  type        = any
  nullable    = false
}

variable "custom_rules" {
  description = "Custom rules, by an id of your choice; enable them in `rules` like any other."
  type        = any
  default     = {}
  nullable    = false
}

variable "account_groups" {
  description = "Account ids by group name: `{ production = [\"111111111111\"] }`; an account can be in several groups."
  type        = map(set(string))
  default     = {}
  nullable    = false
}

variable "accounts" {
  description = "The accounts to which all rules are limited (a rule with its own `accounts` runs only in accounts that are in both lists); empty: no limit."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "excluded_accounts" {
  description = "Accounts in which every rule is off, regardless of other settings."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "excluded_groups" {
  description = "Account groups in which every rule is off, regardless of other settings."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "mode_by_account" {
  description = "The highest mode of any rule in individual accounts: `{ \"111111111111\" = \"dry_run\" }`; it only lowers a rule's mode, and takes precedence over `mode_by_group`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "mode_by_group" {
  description = "The highest mode of any rule in the accounts of a group: `{ production = \"dry_run\" }`; it only lowers a rule's mode; with several groups, the lowest applies."
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
  description = "Which outcomes are events on the bus: \"changed\" (outcomes that differ from the last poll, or that changed something) or \"all\"."
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

variable "cloudtrail_lookup" {
  description = "Whether the target role can look up in CloudTrail who undid a fix that was made three times within seven days (`cloudtrail:LookupEvents`)."
  type        = bool
  default     = false
  nullable    = false
}

variable "undo" {
  description = "Whether the target role has the permissions that only an undo needs, such as deleting a flow log that a rule created; most fixes can be undone without them."
  type        = bool
  default     = false
  nullable    = false
}

variable "organization_id" {
  description = "The AWS organization's id, `o-…`: the remediator only assumes roles in its accounts, and the target role trusts nobody outside of it; null: no such condition."
  type        = string
  default     = null
}

variable "region_labels" {
  description = "Additional names of regions in Netskope's findings, with the region's code: `{ \"Mexico(Central)\" = \"mx-central-1\" }`; the published names are built in."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "schedule" {
  description = "When to query Netskope, and when changes are allowed."
  type        = any
  default     = {}
  nullable    = false
}

variable "limits" {
  description = "The maximum number of resources that a rule changes within an hour; findings beyond it are `deferred`, and come first at the next poll."
  type        = any
  default     = {}
  nullable    = false
}

variable "breaker" {
  description = "When the circuit breaker of a rule opens in an account: the rule is in `dry_run` there until an operator resumes it."
  type        = any
  default     = {}
  nullable    = false
}

variable "external_id" {
  description = "The external id that the remediators use when they assume a target role, the same in `central` and `target`; null: `<name>-<security account id>`."
  type        = string
  default     = null
}

variable "iam" {
  description = "Settings of the IAM roles in the security account, and the path of the target roles."
  type        = any
  default     = {}
  nullable    = false
}

variable "lambda" {
  description = "Settings of all functions, in every region."
  type        = any
  default     = {}
  nullable    = false
}

variable "collector" {
  description = "Settings of the collector's function."
  type        = any
  default     = {}
  nullable    = false
}

variable "remediator" {
  description = "Settings of the remediator's function."
  type        = any
  default     = {}
  nullable    = false
}

variable "queue" {
  description = "Settings of the job queue."
  type        = any
  default     = {}
  nullable    = false
}

variable "evidence" {
  description = "Settings of the evidence bucket and the findings table."
  type        = any
  default     = {}
  nullable    = false
}

variable "event_bus" {
  description = "The EventBridge bus for outcomes, for use by your own rules, too."
  type        = any
  default     = {}
  nullable    = false
}

variable "audit_trail" {
  description = "A CloudTrail trail that records who writes settings, and who writes the findings table, except for the functions; null creates none."
  type        = any
  default     = null
}

variable "encryption" {
  description = "Your KMS keys by region, instead of AWS managed keys."
  type        = any
  default     = {}
  nullable    = false
}

variable "alarms" {
  description = "Settings of the CloudWatch alarms."
  type        = any
  default     = {}
  nullable    = false
}

variable "notifications" {
  description = "Who gets notifications of alarms in all regions, including those about findings that failed or could not be processed."
  type        = any
  default     = {}
  nullable    = false
}

variable "dashboard" {
  description = "Whether to create a CloudWatch dashboard of all regions (findings and outcomes by rule, age of the oldest job, failures, dead letters); an account's first three are free."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags for all resources, in all regions."
  type        = map(string)
  default     = {}
  nullable    = false
}
