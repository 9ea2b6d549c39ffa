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
  account_id           = local.account_id
  partition            = data.aws_partition.this.partition
}

locals {
  # CloudFormation replaces this in each account.
  account_id = "$${AWS::AccountId}"

  # The sizes of the policies that IAM receives: an account id is five characters shorter than its placeholder.
  policy_characters = {
    for role, policy in { remediation = module.policy.policy, automation = try(module.policy.automation.policy, null) } :
    role => length(coalesce(policy, "{}")) - length(regexall("\\$\\{AWS::", coalesce(policy, "{}"))) * 5
  }

  boundary = module.typed.iam.permissions_boundary_name == null ? {} : {
    PermissionsBoundary = "arn:${data.aws_partition.this.partition}:iam::${local.account_id}:policy/${module.typed.iam.permissions_boundary_name}"
  }

  template = jsonencode({
    AWSTemplateFormatVersion = "2010-09-09"
    Description              = "The role with which ${var.name} fixes what CSPM finds in this account."
    Resources = merge(
      {
        Role = {
          Type = "AWS::IAM::Role"
          Properties = merge(
            {
              RoleName                 = module.policy.role_name
              Path                     = module.typed.iam.path
              Description              = module.policy.role_description
              AssumeRolePolicyDocument = jsondecode(module.policy.trust_policy)
            },
            local.boundary,
            module.policy.policy == null ? {} : {
              Policies = [{ PolicyName = "enabled-rules", PolicyDocument = jsondecode(module.policy.policy) }]
            },
          )
        }
      },
      # The permissions of a custom rule: exactly those that it declares. CloudFormation's logical ids cannot contain hyphens, so a digest keeps them unique.
      {
        for id, policy in module.policy.custom_policies : "Policy${replace(title(replace(id, "-", " ")), " ", "")}${substr(sha1(id), 0, 6)}" => {
          Type = "AWS::IAM::ManagedPolicy"
          Properties = {
            ManagedPolicyName = "${var.name}-${id}"
            Path              = module.typed.iam.path
            Description       = "What ${var.name} needs for the rule ${id}."
            PolicyDocument    = jsondecode(policy)
            Roles             = [{ Ref = "Role" }]
          }
        }
      },
      module.policy.flow_logs == null ? {} : {
        FlowLogsRole = {
          Type = "AWS::IAM::Role"
          Properties = merge(
            {
              RoleName                 = module.policy.flow_logs.role_name
              Path                     = module.typed.iam.path
              Description              = module.policy.flow_logs.description
              AssumeRolePolicyDocument = jsondecode(module.policy.flow_logs.trust_policy)
              Policies                 = [{ PolicyName = "delivery", PolicyDocument = jsondecode(module.policy.flow_logs.policy) }]
            },
            local.boundary,
          )
        }
      },
      module.policy.automation == null ? {} : {
        AutomationRole = {
          Type = "AWS::IAM::Role"
          Properties = merge(
            {
              RoleName                 = module.policy.automation.role_name
              Path                     = module.typed.iam.path
              Description              = module.policy.automation.description
              AssumeRolePolicyDocument = jsondecode(module.policy.automation.trust_policy)
              Policies                 = [{ PolicyName = "runbooks", PolicyDocument = jsondecode(module.policy.automation.policy) }]
            },
            local.boundary,
          )
        }
      },
    )
    Outputs = {
      RoleArn = {
        Description = "The role that the remediators assume in this account."
        Value       = { "Fn::GetAtt" = ["Role", "Arn"] }
      }
    }
  })

  # Wraps every text with a placeholder in Fn::Sub.
  template_body = replace(local.template, "/\"([^\"]*\\$\\{AWS::[^\"]*)\"/", "{\"Fn::Sub\":\"$1\"}")
}
