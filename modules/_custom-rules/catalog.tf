# Each rule in the catalog's format, with its definition, which the remediators read from its settings.

locals {
  in_region  = { StringLike = { "aws:RequestedRegion" = ["$${region}"] } }
  executions = "arn:$${partition}:ssm:$${region}:$${account}:automation-execution/*"

  # Permissions to call Cloud Control itself. Keep in sync with scripts/library/compile.ts.
  cloud_control = {
    read = [
      { actions = ["cloudformation:DescribeStackResources", "cloudformation:GetResource", "cloudformation:GetResourceRequestStatus"], resources = ["*"], conditions = local.in_region },
    ]
    write      = [{ actions = ["cloudformation:CancelResourceRequest", "cloudformation:UpdateResource"], resources = ["*"], conditions = local.in_region }]
    undo       = [{ actions = ["cloudformation:CancelResourceRequest", "cloudformation:GetResource", "cloudformation:GetResourceRequestStatus", "cloudformation:UpdateResource"], resources = ["*"], conditions = local.in_region }]
    automation = []
  }
  # Permissions to read the tags of a runbook's resource. Keep in sync with scripts/library/compile.ts.
  tagging = [{ actions = ["tag:GetResources"], resources = ["*"], conditions = local.in_region }]

  own = { for id, rule in local.declared : id => {
    netskope_rule_names = rule.netskope_rule_names
    definition = merge(
      {
        title    = coalesce(rule.title, id)
        scope    = rule.scope
        severity = rule.severity
        risk     = rule.risk
        permissions = { for kind, statements in local.statements[id] : kind => concat(
          [for own in local.cloud_control[kind] : own if rule.desired_state != null],
          [for tagging in local.tagging : tagging if kind == "read" && can(local.runs[id].resource_arn)],
          # An undo reads before it writes.
          [for read in local.statements[id].read : read if rule.desired_state != null && kind == "undo"],
          statements,
        ) }
      },
      { for pattern in [rule.resource_id_pattern] : "resource_id_pattern" => pattern if pattern != null },
      { for type in [try(local.types[rule.desired_state.resource_type], null)] : "desired_state" => {
        resource_type       = rule.desired_state.resource_type
        identifier          = rule.desired_state.identifier
        primary_identifier  = try(type.identifier, [])
        violates            = { for pointer, value in local.states[id].violates : pointer => try({ absent = value.absent }, { contains = value.contains }, { equals = value }) }
        set                 = local.states[id].set
        defaults            = local.states[id].defaults
        ready               = local.states[id].ready
        allow_stack_managed = rule.desired_state.allow_stack_managed
        tags                = try(type.tags, null)
      } if rule.desired_state != null },
      { for run in [try(local.runs[id], null)] : "runbook" => merge(run.run, { for word, rest in run : word => rest if word != "run" }) if run != null },
    )
  } }

  # The documents of a rule in the two forms that AWS expects: names or ARNs.
  documents = { for id, each in merge(local.library, local.own) : id => {
    for word, document in merge(
      { for name in [try(each.definition.runbook.document, null)] : "run" => name if name != null },
      { for name in [try(each.definition.runbook.undo.document, null)] : "undo" => name if name != null },
    ) : word => startswith(document, "arn:") ? replace(replace(replace(document, "{{partition}}", "$${partition}"), "{{region}}", "$${region}"), "{{account}}", "$${account}") : "arn:$${partition}:ssm:$${region}:*:document/${document}"
  } }
  starts = { for id, documents in local.documents : id => {
    for word, arn in documents : word => [
      { actions = ["ssm:GetAutomationExecution"], resources = [local.executions] },
      { actions = ["ssm:DescribeAutomationExecutions"], resources = ["*"] },
      { actions = ["ssm:StartAutomationExecution"], resources = [arn, "${replace(arn, ":document/", ":automation-definition/")}:*"] },
      { actions = ["ssm:AddTagsToResource", "ssm:StartAutomationExecution"], resources = [local.executions] },
      {
        actions    = ["iam:PassRole"]
        resources  = ["arn:$${partition}:iam::$${account}:role/*-automation"]
        conditions = { StringEquals = { "iam:PassedToService" = ["ssm.amazonaws.com"] } }
      },
    ]
  } }

  catalog = { for id, each in merge(local.library, local.own) : id => merge(
    {
      title               = each.definition.title
      legacy_id           = id
      resource_type       = try(each.definition.desired_state.resource_type, "")
      scope               = each.definition.scope
      severity            = each.definition.severity
      netskope_rule_names = each.netskope_rule_names
      options             = { type = "object", properties = {} }
      definition          = each.definition
      permissions = merge(each.definition.permissions, {
        undo = concat(each.definition.permissions.undo, try(local.starts[id].undo, []))
      })
    },
    { for start in [try(local.starts[id].run, null)] : "runbook" => {
      document    = each.definition.runbook.document
      partitions  = ["aws", "aws-us-gov", "aws-cn", "aws-eusc"]
      start       = start
      permissions = each.definition.permissions.automation
    } if start != null },
  ) }
}
