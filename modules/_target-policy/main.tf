# The library, and custom rules.
module "custom_rules" {
  source = "../_custom-rules"

  custom_rules = var.custom_rules
}

locals {
  coded   = jsondecode(file("${path.module}/../catalog.json")).rules
  catalog = merge(local.coded, module.custom_rules.catalog)

  # To undo takes more than to remediate: what deletes a flow log is of no use until somebody asks for it.
  granted_kinds = var.undo ? ["read", "write", "undo"] : ["read", "write"]

  # By id, whether a rule is named by it or by its legacy id.
  rules = toset([
    for id, rule in local.catalog : id
    if var.rules == null ? can(local.coded[id]) || contains(module.custom_rules.own, id) : contains(var.rules, id) || contains(var.rules, rule.legacy_id)
  ])

  # Each has its own policy.
  custom = setintersection(local.rules, module.custom_rules.own)

  # AWS has not every document in every partition.
  # Of a rule that is declared, its document is the only way.
  runbooks = { for rule in local.rules : rule => local.catalog[rule].runbook if(var.runbooks || can(local.catalog[rule].definition)) && try(contains(local.catalog[rule].runbook.partitions, var.partition), false) }

  # Whatever the partition is: before an apply it may not be known.
  has_runbooks = anytrue([for rule in local.rules : can(local.catalog[rule].runbook) && (var.runbooks || can(local.catalog[rule].definition))])

  # With their paths: what stands in a role's ARN after "role/".
  automation_role = "${trimprefix(var.role_path, "/")}${var.name}-automation"
  delivery_role   = coalesce(var.delivery_role_name, "${trimprefix(var.role_path, "/")}${var.name}-flow-logs")

  external_id     = coalesce(var.external_id, "${var.name}-${var.security_account_id}")
  remediator_arns = "arn:${var.partition}:iam::${var.security_account_id}:role${var.remediator_role_path}${var.name}-remediator-*"

  # What each role is granted, as the catalogue has it: the remediators' role what the rules and the start of their
  # runbooks need, the runbooks' role what the runbooks call. Resources are in order before they are filled in, so that
  # they are in the same order whatever is filled in.
  granted_by_rule = { for rule in local.rules : rule => flatten([
    for permissions in concat(
      [for kind in local.granted_kinds : local.catalog[rule].permissions[kind]],
      [try(local.runbooks[rule].start, [])],
    ) : [for permission in permissions : jsonencode(merge(permission, { resources = sort(distinct(permission.resources)) }))]
  ]) }
  # An object whose keys are known, whatever a partition is.
  granted = { for role in concat(["remediation", "automation"], [for rule in local.custom : "custom:${rule}"]) : role => flatten([
    [for rule in setsubtract(local.rules, local.custom) : local.granted_by_rule[rule] if role == "remediation"],
    # Takes no resource.
    [for action in ["cloudtrail:LookupEvents"] : jsonencode({ actions = [action], resources = ["*"] }) if role == "remediation" && var.cloudtrail_lookup],
    [for rule in local.custom : local.granted_by_rule[rule] if role == "custom:${rule}"],
    [for rule in local.rules : [
      for permission in try(local.runbooks[rule].permissions, []) : jsonencode(merge(permission, { resources = sort(distinct(permission.resources)) }))
    ] if role == "automation"],
  ]) }

  # Each permission with its placeholders filled in, and of the roles that may be passed, for which the catalogue has
  # patterns, those of this account. IAM is global and a role serves every region. The session policy of each job leaves
  # of all this only what the job needs: a dry run reads.
  permissions = {
    for role, permissions in local.granted : role => [
      for permission in permissions :
      jsondecode(replace(replace(replace(replace(replace(permission,
        ":role/*-automation", ":role/${local.automation_role}"),
        ":role/*-flow-logs", ":role/${local.delivery_role}"),
        "$${partition}", var.partition),
        "$${region}", "*"),
      "$${account}", var.account_id))
    ]
  }

  # A bucket's ARN names no account: without the condition, a bucket policy elsewhere could let the role in there.
  scopes = {
    for role, permissions in local.permissions : role => [
      for permission in permissions : {
        actions = permission.actions
        scope = {
          resources = permission.resources
          conditions = merge(
            try(permission.conditions, {}),
            alltrue([for resource in permission.resources : can(regex("^arn:[^:]+:s3:::", resource))]) ? {
              StringEquals = merge(try(permission.conditions.StringEquals, {}), { "aws:ResourceAccount" = [var.account_id] })
            } : {},
          )
        }
      }
    ]
  }

  # Actions of the same resources and conditions share a statement.
  actions_by_scope = {
    for role, scopes in local.scopes : role => { for permission in scopes : jsonencode(permission.scope) => permission.actions... }
  }

  policies = {
    for role, actions_by_scope in local.actions_by_scope : role => jsonencode({
      Version = "2012-10-17"
      Statement = [
        for scope, actions in actions_by_scope : merge(
          {
            Effect   = "Allow"
            Action   = sort(distinct(flatten(actions)))
            Resource = jsondecode(scope).resources
          },
          length(jsondecode(scope).conditions) == 0 ? {} : { Condition = jsondecode(scope).conditions },
        )
      ]
    })
  }

  # The account as principal and the roles by condition: a remediator of a region that joins later is trusted too, and a
  # role that is deleted and recreated does not leave a dead id here.
  trust_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:${var.partition}:iam::${var.security_account_id}:root" }
      Condition = {
        ArnLike = { "aws:PrincipalArn" = local.remediator_arns }
        StringEquals = merge(
          { "sts:ExternalId" = local.external_id },
          var.organization_id == null ? {} : { "aws:PrincipalOrgID" = var.organization_id },
        )
      }
    }]
  })

  # The role with which EC2 writes flow logs to CloudWatch Logs, if a rule turns them on and nobody has another for it. Another's
  # name may be known only after the apply: whether there is one is then said apart.
  delivers_flow_logs = (var.create_delivery_role == null ? var.delivery_role_name == null : var.create_delivery_role) && anytrue([for rule in local.rules : can(local.catalog[rule].options.properties.delivery_role_name)])

  flow_logs_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = ["arn:${var.partition}:logs:*:${var.account_id}:log-group:*"]
      },
      # Takes no log group.
      {
        Effect   = "Allow"
        Action   = ["logs:DescribeLogGroups"]
        Resource = ["*"]
      },
    ]
  })

  flow_logs_trust_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${var.partition}:ec2:*:${var.account_id}:vpc-flow-log/*" }
      }
    }]
  })

  # Systems Manager gives both of these with what it does for an execution.
  automation_trust_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ssm.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${var.partition}:ssm:*:${var.account_id}:automation-execution/*" }
      }
    }]
  })
}
