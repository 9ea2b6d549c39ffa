data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

module "policy" {
  source = "../_target-policy"

  name                 = var.name
  security_account_id  = var.security_account_id
  external_id          = var.external_id
  organization_id      = var.organization_id
  rules                = var.rules
  custom_rules         = var.custom_rules
  runbooks             = var.runbooks
  undo                 = var.undo
  cloudtrail_lookup    = var.cloudtrail_lookup
  role_path            = module.typed.iam.path
  remediator_role_path = module.typed.iam.remediator_role_path
  delivery_role_name   = module.typed.iam.delivery_role_name
  create_delivery_role = module.typed.iam.create_delivery_role
  account_id           = data.aws_caller_identity.this.account_id
  partition            = data.aws_partition.this.partition
}

resource "aws_iam_role" "remediation" {
  name                 = module.policy.role_name
  path                 = module.typed.iam.path
  permissions_boundary = module.typed.iam.permissions_boundary_arn
  description          = module.policy.role_description
  assume_role_policy   = module.policy.trust_policy
  tags                 = var.tags
}

resource "aws_iam_role_policy" "remediation" {
  count = module.policy.policy == null ? 0 : 1

  name   = "enabled-rules"
  role   = aws_iam_role.remediation.name
  policy = module.policy.policy

  lifecycle {
    precondition {
      condition     = length(module.policy.policy) <= 10240
      error_message = "The role's policy has ${length(module.policy.policy)} characters; IAM allows 10240. Name fewer rules in `rules`."
    }
  }
}

# The permissions of a custom rule: exactly those that it declares.

resource "aws_iam_policy" "custom" {
  for_each = module.policy.custom_policies

  name        = "${var.name}-${each.key}"
  path        = module.typed.iam.path
  description = "The permissions that ${var.name} needs for the rule ${each.key}."
  policy      = each.value
  tags        = var.tags
}

resource "aws_iam_role_policy_attachment" "custom" {
  for_each = module.policy.custom_policies

  role       = aws_iam_role.remediation.name
  policy_arn = aws_iam_policy.custom[each.key].arn
}

# The role with which EC2 writes the flow logs that a rule enables. The remediators can pass it, but not assume it.

resource "aws_iam_role" "flow_logs" {
  count = module.policy.flow_logs == null ? 0 : 1

  name                 = module.policy.flow_logs.role_name
  path                 = module.typed.iam.path
  permissions_boundary = module.typed.iam.permissions_boundary_arn
  description          = module.policy.flow_logs.description
  assume_role_policy   = module.policy.flow_logs.trust_policy
  tags                 = var.tags
}

resource "aws_iam_role_policy" "flow_logs" {
  count = module.policy.flow_logs == null ? 0 : 1

  name   = "delivery"
  role   = aws_iam_role.flow_logs[0].name
  policy = module.policy.flow_logs.policy
}

# The role with which Systems Manager Automation runs the runbooks that the remediators start. They can pass it, but not assume it.

resource "aws_iam_role" "automation" {
  count = module.policy.automation == null ? 0 : 1

  name                 = module.policy.automation.role_name
  path                 = module.typed.iam.path
  permissions_boundary = module.typed.iam.permissions_boundary_arn
  description          = module.policy.automation.description
  assume_role_policy   = module.policy.automation.trust_policy
  tags                 = var.tags
}

resource "aws_iam_role_policy" "automation" {
  count = module.policy.automation == null ? 0 : 1

  name   = "runbooks"
  role   = aws_iam_role.automation[0].name
  policy = module.policy.automation.policy

  lifecycle {
    precondition {
      condition     = length(module.policy.automation.policy) <= 10240
      error_message = "The automation role's policy (permissions.automation of all enabled rules) has ${length(module.policy.automation.policy)} characters; IAM allows 10240. Enable fewer rules with a runbook, or name more resources by one pattern."
    }
  }
}
