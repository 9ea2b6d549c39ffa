variable "custom_rules" {
  description = "Rules of your own, by an id of your choice: what Netskope calls them, and the values that properties must have, or the document that remediates."
  default     = {}
  nullable    = false

  type = map(object({
    # A line for people. Null: the id.
    title = optional(string)
    # The rule's names in Netskope. Required.
    netskope_rule_names = optional(list(string), [])
    # regional, or global for findings of no region.
    scope = optional(string, "regional")
    # low, medium, high or critical.
    severity = optional(string, "medium")
    # A regular expression that the whole of a finding's resource id must match. Null: any id.
    resource_id_pattern = optional(string)
    # What a fix may break, for whoever reads the plan.
    risk = optional(string, "")
    # The values that properties of a resource must have, set by Cloud Control. Either this or `runbook`.
    desired_state = optional(object({
      # CloudFormation's name of the type, such as AWS::RDS::DBInstance. Required.
      resource_type = optional(string, "")
      # The type's primary identifier, of placeholders such as {{resource}} and {{arn.resource_id}}; parts with `|` between them.
      identifier = optional(string, "{{resource}}")
      # When a resource violates the rule, by pointer: a value, { absent = true } or { contains = … }; all must hold. Empty: when a value of `set` is another.
      violates = optional(any)
      # The values that properties must have, by pointer, such as { "/PubliclyAccessible" = false }. Required.
      set = optional(any)
      # What an undo sets where the property was not there, by pointer.
      defaults = optional(any)
      # Values without which AWS would refuse a change, by pointer, such as { "/DBInstanceStatus" = "available" }: such a finding is deferred.
      ready = optional(any)
      # Whether resources that a CloudFormation stack manages are changed, too.
      allow_stack_managed = optional(bool, false)
    }))
    # The Systems Manager document that remediates. Either this or `desired_state`.
    runbook = optional(object({
      # Its name, or the ARN of one that another account shares, with placeholders such as {{region}}. Required.
      document = optional(string, "")
      # A number, or $DEFAULT.
      version = optional(string, "$DEFAULT")
      # All of its parameters, lists of texts with placeholders; the role that it works as is {{automation_role_arn}}.
      parameters = optional(any)
      # The document that undoes it, with the same words.
      undo = optional(any)
      # The resource's ARN, with placeholders, so that its tags are read and may exempt it; {{resource}} where findings name ARNs. Null: its tags are not read.
      resource_arn = optional(string)
    }))
    # The IAM statements that it needs: lists of { actions, resources, conditions }, with the placeholders {{partition}}, {{region}} and {{account}}.
    permissions = optional(object({
      # The type's read handler, as far as it calls them.
      read = optional(any)
      # The type's update handler, for this patch.
      write = optional(any)
      # What an undo needs. Null: as `write`.
      undo = optional(any)
      # The calls of the document.
      automation = optional(any)
      # Actions that change something and may have the resource `*`.
      allow = optional(list(string), [])
    }), {})
  }))
}
