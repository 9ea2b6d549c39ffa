variable "name" {
  description = "Name of the function and, after `/aws/lambda/`, of its log group."
  type        = string
  nullable    = false
}

variable "role_name" {
  description = "Name of the function's own role."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.role_name) <= 64
    error_message = "The role's name \"${var.role_name}\" has ${length(var.role_name)} characters: IAM allows 64. Choose a shorter `name`."
  }
}

variable "description" {
  description = "What the function does, in one sentence."
  type        = string
  nullable    = false
}

variable "package" {
  description = "Path of the function's zip, whose handler is `index.handler`."
  type        = string
  nullable    = false
}

variable "environment" {
  description = "Environment variables, in addition to the log level."
  type        = map(string)
  nullable    = false
}

variable "statements" {
  description = "The IAM statements that the function needs; those for logs, tracing, and network interfaces are added depending on the settings."
  type = list(object({
    Effect    = optional(string, "Allow")
    Action    = list(string)
    Resource  = list(string)
    Condition = optional(map(map(list(string))))
  }))
  nullable = false
}

variable "settings" {
  description = "Settings of the function: `memory_size` in MB, `timeout` in seconds, `architecture` (`arm64`, `x86_64`), `log_level`, `log_retention_days`, `tracing` (X-Ray), `reserved_concurrency` (null: unreserved), `runtime`, further `layers` and `environment` variables, and a VPC's subnets and security groups (none: no VPC)."
  type = object({
    memory_size          = number
    timeout              = number
    architecture         = string
    log_level            = string
    log_retention_days   = number
    tracing              = bool
    runtime              = optional(string, "nodejs22.x")
    layers               = optional(list(string), [])
    environment          = optional(map(string), {})
    reserved_concurrency = optional(number)
    subnet_ids           = optional(list(string), [])
    security_group_ids   = optional(list(string), [])
  })
  nullable = false
}

variable "log_key_arn" {
  description = "The KMS key of the function's log group; null: CloudWatch Logs' own."
  type        = string
  default     = null
}

variable "iam" {
  description = "Path and permissions boundary of the role."
  type = object({
    # The path of the roles.
    path = optional(string, "/")
    # The ARN of the roles' permissions boundary. Null: none.
    permissions_boundary_arn = optional(string)
  })
  default  = {}
  nullable = false
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
  nullable    = false
}
