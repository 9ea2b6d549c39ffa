variable "custom_rules" {
  description = "Custom rules, by an id of your choice: their names in Netskope, and the values that properties must have or the document that remediates."
  default     = {}
  nullable    = false

  type = map(object({
    # A readable title. Null: the id.
    title = optional(string)
    # The rule's names in Netskope. Required.
    netskope_rule_names = optional(list(string), [])
    # regional, or global for findings without a region.
    scope = optional(string, "regional")
    # low, medium, high or critical.
    severity = optional(string, "medium")
    # A regular expression that a finding's whole resource id must match (syntax of RE2, as in Terraform). Null: any id.
    resource_id_pattern = optional(string)
    # What a fix can break, shown in the plan.
    risk = optional(string, "")
    # The values that properties of a resource must have, set by Cloud Control. Either this or `runbook`.
    desired_state = optional(object({
      # The CloudFormation type, such as AWS::RDS::DBInstance. Required.
      resource_type = optional(string, "")
      # The type's primary identifier, with placeholders such as {{resource}} and {{arn.resource_id}}; parts are joined with `|`.
      identifier = optional(string, "{{resource}}")
      # Conditions for a violation, in addition to a value in `set` that differs, by pointer: a value, { absent = true } or { contains = … }; all must match. Null: no further conditions.
      violates = optional(any)
      # The values that properties must have, by pointer, such as { "/PubliclyAccessible" = false }. Required.
      set = optional(any)
      # The value that an undo sets if the property did not exist, by pointer.
      defaults = optional(any)
      # Values that AWS requires for a change, by pointer, such as { "/DBInstanceStatus" = "available" }; otherwise the finding is deferred.
      ready = optional(any)
      # Whether to also change resources that a CloudFormation stack manages.
      allow_stack_managed = optional(bool, false)
    }))
    # The Systems Manager document that remediates. Either this or `desired_state`.
    runbook = optional(object({
      # The document's name, or its ARN if another account shares it, with placeholders such as {{region}}; it must be known at plan. Required.
      document = optional(string, "")
      # The document's version: a number, or $DEFAULT.
      version = optional(string, "$DEFAULT")
      # All parameters of the document: lists of strings, with placeholders such as {{resource}}, and {{automation_role_arn}} for its role.
      parameters = optional(any)
      # The document that undoes it, with the same attributes. Null: no undo.
      undo = optional(any)
      # The resource's ARN, with placeholders, so that its tags are read and can exempt it; {{resource}} if findings name ARNs. Null: its tags are not read.
      resource_arn = optional(string)
    }))
    # The IAM statements that it needs: lists of { actions, resources, conditions }, with the placeholders {{partition}}, {{region}} and {{account}}.
    permissions = optional(object({
      # Actions that the type's read handler calls.
      read = optional(any)
      # Actions that the type's update handler calls for this change.
      write = optional(any)
      # Actions for an undo. Null: `write`.
      undo = optional(any)
      # Actions that the document calls.
      automation = optional(any)
      # Write actions that may have the resource `*`.
      allow = optional(list(string), [])
    }), {})
  }))
}
