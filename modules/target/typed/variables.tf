variable "iam" {
  description = "Settings of the role in this account."
  type = object({
    # The path of the role: the same as `iam.target_role_path` in `central`.
    path = optional(string, "/")
    # The ARN of the role's permissions boundary. Null: none.
    permissions_boundary_arn = optional(string)
    # The path of the remediators' roles in the security account: `iam.path` in `central`.
    remediator_role_path = optional(string, "/")
    # Your own role for flow logs, with its path but without a leading slash; `central` must name it in the options of `vpc-flow-logs-disabled`, too. Null: `<name>-flow-logs` is created.
    delivery_role_name = optional(string)
    # Whether to create `<name>-flow-logs` if a rule needs it; set `false` with a `delivery_role_name` that is known only after the apply. Null: yes, if `delivery_role_name` is null.
    create_delivery_role = optional(bool)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.iam.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::(\\d{12}|aws):policy/.+$", var.iam.permissions_boundary_arn))
    error_message = "iam.permissions_boundary_arn is \"${coalesce(var.iam.permissions_boundary_arn, "null")}\": expected a policy's ARN, such as \"arn:aws:iam::111111111111:policy/boundary\"."
  }

  validation {
    condition     = var.iam.create_delivery_role == null ? true : var.iam.create_delivery_role || var.iam.delivery_role_name != null
    error_message = "iam.create_delivery_role is false and delivery_role_name is null: expected the name of your own role. In the root module, leave delivery_role_name out of the rule's options."
  }

  validation {
    condition     = var.iam.create_delivery_role == null ? true : !var.iam.create_delivery_role || var.iam.delivery_role_name == null
    error_message = "iam.create_delivery_role is true, and delivery_role_name names another role: leave one of them out."
  }
}
