# Object inputs have the type `any` here, because Terraform silently ignores attributes that a type does not name. modules/_inputs
# checks their attributes and kinds of values; typed/ contains their types and validations.

variable "link" {
  description = "The `link` output of `central`, unchanged."
  type = object({
    # The prefix of every resource's name.
    name = string
    # The AWS partition.
    partition = string
    # The security account's id.
    security_account_id = string
    # The organization whose accounts' roles may be assumed. Null: any.
    organization_id = optional(string)
    # Limits the accounts whose roles may be assumed. Null: any.
    accounts = optional(list(string))
    # The region of `central`.
    home_region = string
    # All regions that have this module.
    regions = list(string)
    # The event bus that gets outcomes.
    event_bus_arn = string
    # Whether the home region has the topic of notifications.
    notifications = bool
    # The evidence bucket's name.
    evidence_bucket = string
    # The findings table's name.
    findings_table = string
    # Your KMS keys by region and use.
    keys = optional(map(map(string)), {})
    # The name of the role in target accounts, with its path.
    target_role_name = string
    # The name of the role that runbooks use in target accounts, with its path.
    automation_role_name = string
    # The external id for target roles.
    external_id = string
    # The unique id of the collector's role.
    collector_role_id = string
    # The settings bucket's name.
    settings_bucket = string
    # The namespace of metrics.
    metrics_namespace = string
    # The path of the roles in the security account.
    iam_path = string
    # The permissions boundary of these roles. Null: none.
    permissions_boundary_arn = string
    # Tags of all resources.
    tags = map(string)
    # Settings of all functions, as in `central`.
    lambda = object({
      # `arm64` or `x86_64`.
      architecture = string
      # `DEBUG`, `INFO`, `WARN` or `ERROR`.
      log_level = string
      # The number of days for which the functions' logs are kept.
      log_retention_days = number
      # Whether X-Ray traces the functions.
      tracing = bool
      # The Lambda runtime.
      runtime = optional(string, "nodejs22.x")
    })
  })
  nullable = false

  validation {
    condition     = contains(var.link.regions, data.aws_region.this.id)
    error_message = "This module's provider is in region \"${data.aws_region.this.id}\", which central does not send jobs to: add it to central's regions, [${join(", ", var.link.regions)}]."
  }

  validation {
    condition     = var.link.security_account_id == data.aws_caller_identity.this.account_id
    error_message = "This module's provider is in account ${data.aws_caller_identity.this.account_id}: expected the security account ${var.link.security_account_id}, where central is."
  }
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

variable "alarms" {
  description = "Alarms of this region."
  type        = any
  default     = {}
  nullable    = false
}
