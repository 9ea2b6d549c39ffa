# Object inputs have the type `any` here, because Terraform silently ignores attributes that a type does not name. modules/_inputs
# checks their attributes and kinds of values; modules/_settings/typed contains their types and validations.

variable "name" {
  description = "The prefix of every resource's name, such as `<name>-collector` and `<name>-jobs.fifo`; the same in all modules."
  type        = string
  default     = "cspm-auto-remediation"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", var.name)) && length(var.name) <= 32 && !can(regex("^(aws|ssm|xn--|sthree-|amzn-s3-demo-)", var.name))
    error_message = "name is \"${var.name}\": expected at most 32 lowercase letters, digits and hyphens, beginning with a letter and ending without a hyphen; not beginning with \"aws\" or \"ssm\" (reserved for parameters), nor with \"xn--\", \"sthree-\" or \"amzn-s3-demo-\" (reserved for buckets)."
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
    error_message = "netskope_tenant is \"${var.netskope_tenant}\": expected a tenant's name (acme), with its domain (acme.eu), or a host name (acme.goskope.com), in lowercase letters, without \"https://\" and without a path."
  }
}

variable "regions" {
  description = "The regions that have a `per-region` module, including the home region; null: only the home region."
  type        = set(string)
  default     = null

  validation {
    condition     = alltrue([for region in coalesce(var.regions, []) : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])
    error_message = "regions contains ${join(", ", [for region in coalesce(var.regions, []) : jsonencode(region) if !can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])}: expected region codes such as \"eu-central-1\"."
  }

  validation {
    condition     = var.regions == null || contains(coalesce(var.regions, []), data.aws_region.this.id)
    error_message = "regions is [${join(", ", compact(coalesce(var.regions, [])))}]: add \"${data.aws_region.this.id}\", the region of this module's provider, where findings without a region are remediated."
  }

  # Regions of another partition have their own accounts and credentials.
  validation {
    condition = alltrue([
      for region in compact(coalesce(var.regions, [])) :
      (startswith(region, "cn-") ? "aws-cn" : startswith(region, "us-gov-") ? "aws-us-gov" : startswith(region, "eusc-") ? "aws-eusc" : "aws") == data.aws_partition.this.partition
    ])
    error_message = "regions is [${join(", ", compact(coalesce(var.regions, [])))}]: expected only regions of the partition ${data.aws_partition.this.partition}. Another partition needs its own deployment."
  }
}

variable "organization_id" {
  description = "The AWS organization's id, `o-…`: the remediators only assume roles in its accounts; null: in any account whose role trusts them."
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
  description = "Additional names of regions in Netskope's findings, with the region's code: `{ \"Mexico(Central)\" = \"mx-central-1\" }`; the published names are built in."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for region in values(var.region_labels) : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])
    error_message = "region_labels contains ${join(", ", [for label, region in var.region_labels : "\"${label}\" = ${jsonencode(region)}" if !can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])}: expected each label with a region's code, such as \"eu-central-1\"."
  }

  validation {
    condition     = !contains([for label in keys(var.region_labels) : trimspace(label)], "")
    error_message = "region_labels has an empty label: expected the name of a region, as Netskope shows it."
  }

  # The collector ignores spaces and case in labels.
  validation {
    condition = alltrue([for label, region in var.region_labels : alltrue([
      for other, code in var.region_labels : code == region || lower(replace(other, "/\\s/", "")) != lower(replace(label, "/\\s/", ""))
    ])])
    error_message = "region_labels has two regions for ${join(", ", [
      for label, region in var.region_labels : "\"${label}\"" if anytrue([for other, code in var.region_labels : code != region && lower(replace(other, "/\\s/", "")) == lower(replace(label, "/\\s/", ""))])
    ])}, which differ only in spaces and case: expected one."
  }
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

  validation {
    condition     = var.external_id == null ? true : can(regex("^[\\w+=,.@:/-]{2,}$", var.external_id)) && length(var.external_id) <= 1224
    error_message = "external_id is \"${coalesce(var.external_id, "null")}\": expected 2 to 1224 letters, digits and characters of _+=,.@:/-"
  }
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

variable "evidence" {
  description = "Settings of the evidence bucket and the findings table."
  type        = any
  default     = {}
  nullable    = false
}

variable "alarms" {
  description = "Settings of the CloudWatch alarms of the home region."
  type        = any
  default     = {}
  nullable    = false
}

variable "tags" {
  description = "Tags for all resources, in all regions."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 50 && length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags)
    error_message = "tags has ${length(var.tags)} tags: expected at most 50, with keys that differ in more than case, because IAM ignores case."
  }

  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && !startswith(lower(key), "aws:")])
    error_message = "tags has the keys ${join(", ", [for key in keys(var.tags) : "\"${substr(key, 0, 60)}\"" if !can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) || startswith(lower(key), "aws:")])}: expected 1 to 128 letters, digits, spaces and characters of _.:/=+@-, not beginning with \"aws:\"."
  }

  validation {
    condition     = alltrue([for value in values(var.tags) : value == null ? false : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))])
    error_message = "tags has ${join(", ", [for key, value in var.tags : "\"${key}\" = ${substr(jsonencode(value), 0, 60)}" if value == null ? true : !can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))])}: expected values of at most 256 letters, digits, spaces and characters of _.:/=+@-"
  }
}

variable "audit_trail" {
  description = "A CloudTrail trail that records who writes settings, and who writes the findings table, except for the functions; null creates none."
  type        = any
  default     = null
}

variable "dashboard" {
  description = "Whether to create a CloudWatch dashboard of all regions (findings and outcomes by rule, age of the oldest job, failures, dead letters); an account's first three are free."
  type        = bool
  default     = true
  nullable    = false
}

variable "adopt" {
  description = "Set to `true` only for the apply that upgrades from 0.1: confirms that the existing deployment of the same name is this one."
  type        = bool
  default     = false
  nullable    = false
}

variable "encryption" {
  description = "Your KMS keys by region, instead of AWS managed keys."
  type        = any
  default     = {}
  nullable    = false
}

variable "events" {
  description = "Which outcomes are events on the bus: \"changed\" (outcomes that differ from the last poll, or that changed something) or \"all\"."
  type        = string
  default     = "changed"
  nullable    = false

  validation {
    condition     = contains(["changed", "all"], var.events)
    error_message = "events is \"${var.events}\": expected \"changed\" or \"all\"."
  }
}

variable "event_bus" {
  description = "The EventBridge bus for outcomes, for use by your own rules, too."
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

variable "api_token" {
  description = "The Netskope REST API token (API v1), written to the secret of `api_token_secret`, and never to the state or a plan; null if you use an existing secret."
  type        = string
  default     = null
  sensitive   = true
  # Separate from the other token settings, because a variable is ephemeral as a whole, and resources cannot depend on it.
  ephemeral = true

  validation {
    condition     = var.api_token == null || module.settings.deployment.api_token_secret.create
    error_message = "api_token cannot be set when api_token_secret.create is false, because the module does not write to an existing secret. Remove one of them."
  }

  validation {
    condition     = var.api_token != null || !module.settings.deployment.api_token_secret.create
    error_message = "api_token is not set. Set it, or use an existing secret: api_token_secret = { create = false, arn = … }."
  }

  validation {
    condition     = var.api_token == null ? true : trimspace(var.api_token) == var.api_token && var.api_token != ""
    error_message = "api_token is empty, or begins or ends with whitespace: expected the token as Netskope shows it."
  }
}

variable "api_token_secret" {
  description = "The secret that contains the API token."
  type        = any
  default     = {}
  nullable    = false
}
