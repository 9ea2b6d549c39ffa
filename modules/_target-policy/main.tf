# The library, and custom rules.
module "custom_rules" {
  source = "../_custom-rules"

  custom_rules = var.custom_rules
}

locals {
  coded   = jsondecode(file("${path.module}/../catalog.json")).rules
  catalog = merge(local.coded, module.custom_rules.catalog)

  # An undo needs more permissions than a fix, such as deleting a flow log. The role has them only with `undo`.
  granted_kinds = var.undo ? ["read", "write", "undo"] : ["read", "write"]

  # The rules by id, even if the user names them by legacy id.
  rules = toset([
    for id, rule in local.catalog : id
    if var.rules == null ? can(local.coded[id]) || contains(module.custom_rules.own, id) : contains(var.rules, id) || contains(var.rules, rule.legacy_id)
  ])

  # Each custom rule has its own policy.
  custom = setintersection(local.rules, module.custom_rules.own)

  # Not every partition has every document. A declared rule with a document has no other method, so `runbooks` does not
  # apply to it.
  runbooks = { for rule in local.rules : rule => local.catalog[rule].runbook if(var.runbooks || can(local.catalog[rule].definition)) && try(contains(local.catalog[rule].runbook.partitions, var.partition), false) }

  # Independent of the partition, which may be unknown before an apply.
  has_runbooks = anytrue([for rule in local.rules : can(local.catalog[rule].runbook) && (var.runbooks || can(local.catalog[rule].definition))])

  # The part of a role's ARN after "role/": path and name.
  automation_role = "${trimprefix(var.role_path, "/")}${var.name}-automation"
  delivery_role   = coalesce(var.delivery_role_name, "${trimprefix(var.role_path, "/")}${var.name}-flow-logs")

  external_id     = coalesce(var.external_id, "${var.name}-${var.security_account_id}")
  remediator_arns = "arn:${var.partition}:iam::${var.security_account_id}:role${var.remediator_role_path}${var.name}-remediator-*"

  # The permissions of each role in the catalog's format: the remediation role gets what the rules need and what is needed to start their
  # runbooks; the automation role gets what the runbooks call. Resources are sorted before placeholders are replaced, so that
  # their order does not depend on the values.
  granted_by_rule = { for rule in local.rules : rule => flatten([
    for permissions in concat(
      [for kind in local.granted_kinds : local.catalog[rule].permissions[kind]],
      [try(local.runbooks[rule].start, [])],
    ) : [for permission in permissions : jsonencode(merge(permission, { resources = sort(distinct(permission.resources)) }))]
  ]) }
  # The keys of this object are known even if the partition is not.
  granted = { for role in concat(["remediation", "automation"], [for rule in local.custom : "custom:${rule}"]) : role => flatten([
    [for rule in setsubtract(local.rules, local.custom) : local.granted_by_rule[rule] if role == "remediation"],
    # This action does not support resource-level permissions.
    [for action in ["cloudtrail:LookupEvents"] : jsonencode({ actions = [action], resources = ["*"] }) if role == "remediation" && var.cloudtrail_lookup],
    [for rule in local.custom : local.granted_by_rule[rule] if role == "custom:${rule}"],
    [for rule in local.rules : [
      for permission in try(local.runbooks[rule].permissions, []) : jsonencode(merge(permission, { resources = sort(distinct(permission.resources)) }))
    ] if role == "automation"],
  ]) }

  # The permissions with placeholders replaced, and with this account's roles instead of the catalog's patterns of roles to
  # pass. IAM is global, and a role serves every region. The session policy of each job reduces these permissions to those
  # that the job needs, for example read-only ones in a dry run.
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

  # A bucket's ARN contains no account. Without this condition, the role could change a bucket of another account whose policy
  # allows it.
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

  # The account is the principal, and a condition names the roles. A region that is added later is therefore trusted, and a role
  # that is deleted and recreated leaves no invalid id.
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

  # The role with which EC2 writes flow logs to CloudWatch Logs, if a rule enables them and you provide no other role. The name of
  # another role may be unknown before the apply, so create_delivery_role can state separately whether to create this one.
  delivers_flow_logs = (var.create_delivery_role == null ? var.delivery_role_name == null : var.create_delivery_role) && anytrue([for rule in local.rules : can(local.catalog[rule].options.properties.delivery_role_name)])

  flow_logs_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = ["arn:${var.partition}:logs:*:${var.account_id}:log-group:*"]
      },
      # This action does not support log groups as resources.
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

  # Systems Manager sends both of these keys with the calls of an execution.
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
