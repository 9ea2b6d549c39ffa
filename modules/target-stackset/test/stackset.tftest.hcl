mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  security_account_id = "111111111111"
  external_id         = "shared"
  organization_id     = "o-a1b2c3d4e5"
  organizational_units = {
    "ou-a1b2-production" = {}
    "ou-a1b2-sandboxes0" = { excluded_accounts = ["333333333333"] }
  }
}

run "all_accounts_except_excluded_ones" {
  command = plan

  assert {
    condition = alltrue([
      aws_cloudformation_stack_set.this.name == "cspm-auto-remediation-target",
      output.stack_set_arn == "arn:aws:cloudformation:eu-central-1:111111111111:stackset/mock",
      aws_cloudformation_stack_set.this.permission_model == "SERVICE_MANAGED",
      aws_cloudformation_stack_set.this.call_as == "SELF",
      aws_cloudformation_stack_set.this.capabilities == toset(["CAPABILITY_NAMED_IAM"]),
      aws_cloudformation_stack_set.this.auto_deployment[0].enabled,
      !aws_cloudformation_stack_set.this.auto_deployment[0].retain_stacks_on_account_removal,
      aws_cloudformation_stack_set.this.managed_execution[0].active,
      aws_cloudformation_stack_set.this.operation_preferences[0].failure_tolerance_percentage == 10,
      aws_cloudformation_stack_set.this.operation_preferences[0].max_concurrent_percentage == 25,
    ])
    error_message = "StackSet: ${jsonencode(aws_cloudformation_stack_set.this)}"
  }

  assert {
    condition     = toset(keys(aws_cloudformation_stack_set_instance.unit)) == toset(["ou-a1b2-production", "ou-a1b2-sandboxes0"])
    error_message = "Each unit has its own instances."
  }

  assert {
    condition = jsonencode([
      for unit in aws_cloudformation_stack_set_instance.unit :
      [unit.deployment_targets[0].organizational_unit_ids, unit.deployment_targets[0].account_filter_type, unit.deployment_targets[0].accounts, unit.operation_preferences[0].concurrency_mode]
      ]) == jsonencode([
      [["ou-a1b2-production"], "NONE", null, "SOFT_FAILURE_TOLERANCE"],
      [["ou-a1b2-sandboxes0"], "DIFFERENCE", ["333333333333"], "SOFT_FAILURE_TOLERANCE"],
    ])
    error_message = "Units: ${jsonencode(aws_cloudformation_stack_set_instance.unit)}"
  }
}

run "some_accounts_by_a_delegated_administrator" {
  command = plan

  variables {
    organizational_units = { "r-a1b2" = { accounts = ["222222222222", "333333333333"] } }
    auto_deployment      = false
    call_as              = "DELEGATED_ADMIN"
    operation            = { max_concurrent_percentage = 100, failure_tolerance_percentage = 0 }
    tags                 = { team = "security" }
  }

  assert {
    condition = alltrue([
      !aws_cloudformation_stack_set.this.auto_deployment[0].enabled,
      aws_cloudformation_stack_set.this.call_as == "DELEGATED_ADMIN",
      aws_cloudformation_stack_set.this.tags == tomap({ team = "security" }),
      aws_cloudformation_stack_set.this.operation_preferences[0].failure_tolerance_percentage == 0,
      aws_cloudformation_stack_set_instance.unit["r-a1b2"].call_as == "DELEGATED_ADMIN",
      aws_cloudformation_stack_set_instance.unit["r-a1b2"].operation_preferences[0].max_concurrent_percentage == 100,
      aws_cloudformation_stack_set_instance.unit["r-a1b2"].deployment_targets[0].account_filter_type == "INTERSECTION",
      aws_cloudformation_stack_set_instance.unit["r-a1b2"].deployment_targets[0].accounts == toset(["222222222222", "333333333333"]),
    ])
    error_message = "StackSet: ${jsonencode([aws_cloudformation_stack_set.this, aws_cloudformation_stack_set_instance.unit])}"
  }
}

# The same role created by Terraform: the template must produce the same in account 222222222222.

run "by_terraform" {
  command = plan

  module {
    source = "../target"
  }

  override_data {
    target = data.aws_caller_identity.this
    values = { account_id = "222222222222" }
  }
}

run "the_template_creates_the_same_role" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudformation_stack_set.this.template_body).Resources.Role.Properties.AssumeRolePolicyDocument == jsondecode(run.by_terraform.trust_policy)
    error_message = "Trust: ${aws_cloudformation_stack_set.this.template_body}"
  }

  assert {
    condition = sort([
      for statement in jsondecode(aws_cloudformation_stack_set.this.template_body).Resources.Role.Properties.Policies[0].PolicyDocument.Statement :
      replace(replace(jsonencode(statement), "/\\{\"Fn::Sub\":(\"[^\"]*\")\\}/", "$1"), "$${AWS::AccountId}", "222222222222")
    ]) == sort([for statement in jsondecode(run.by_terraform.policy).Statement : jsonencode(statement)])
    error_message = "Statements differ between ${aws_cloudformation_stack_set.this.template_body} and ${run.by_terraform.policy}"
  }

  # The other two roles: their names and both of their policies, statement by statement.
  assert {
    condition = [
      for role in [
        jsondecode(output.template).Resources.FlowLogsRole.Properties,
        jsondecode(output.template).Resources.AutomationRole.Properties,
      ] :
      [
        for text in concat([jsonencode(role.RoleName), jsonencode(role.AssumeRolePolicyDocument)], sort([for statement in role.Policies[0].PolicyDocument.Statement : jsonencode(statement)])) :
        replace(replace(text, "/\\{\"Fn::Sub\":(\"[^\"]*\")\\}/", "$1"), "$${AWS::AccountId}", "222222222222")
      ]
      ] == [
      for role in [run.by_terraform.flow_logs, run.by_terraform.automation] :
      [
        for text in concat([jsonencode(role.role_name), role.trust_policy], sort([for statement in jsondecode(role.policy).Statement : jsonencode(statement)])) : text
      ]
    ]
    error_message = "The other roles differ: ${output.template}, ${jsonencode(run.by_terraform)}"
  }

  # CloudFormation replaces placeholders only within Fn::Sub.
  assert {
    condition     = length(regexall("\\$\\{AWS::", replace(aws_cloudformation_stack_set.this.template_body, "/\\{\"Fn::Sub\":\"[^\"]*\"\\}/", ""))) == 0
    error_message = "Placeholders that are not replaced: ${aws_cloudformation_stack_set.this.template_body}"
  }

  assert {
    condition = alltrue([
      jsondecode(output.template).Resources.Role.Properties.RoleName == run.by_terraform.role_name,
      jsondecode(output.template).Resources.Role.Properties.Path == "/",
      jsondecode(output.template).Resources.Role.Type == "AWS::IAM::Role",
      !can(jsondecode(output.template).Resources.Role.Properties.PermissionsBoundary),
      length(output.template) < 51200,
    ])
    error_message = "Template: ${output.template}"
  }
}

run "no_rules_with_a_boundary" {
  command = plan

  variables {
    rules = []
    iam   = { path = "/security/", permissions_boundary_name = "team/boundary", remediator_role_path = "/functions/" }
  }

  assert {
    condition = alltrue([
      !can(jsondecode(output.template).Resources.Role.Properties.Policies),
      !can(jsondecode(output.template).Resources.FlowLogsRole),
      !can(jsondecode(output.template).Resources.AutomationRole),
      jsondecode(output.template).Resources.Role.Properties.Path == "/security/",
      jsondecode(output.template).Resources.Role.Properties.PermissionsBoundary["Fn::Sub"] == "arn:aws:iam::$${AWS::AccountId}:policy/team/boundary",
      strcontains(output.template, "role/functions/cspm-auto-remediation-remediator-*"),
    ])
    error_message = "Template: ${output.template}"
  }
}

run "with_undo" {
  command = plan

  variables {
    undo = true
  }

  assert {
    condition     = strcontains(output.template, "ec2:DeleteFlowLogs") && !strcontains(run.the_template_creates_the_same_role.template, "ec2:DeleteFlowLogs")
    error_message = "Template: ${output.template}"
  }
}

run "rules_by_legacy_id_without_runbooks" {
  command = plan

  variables {
    rules    = ["CIS-1-2-0-4-1"]
    runbooks = false
  }

  assert {
    condition = alltrue([
      strcontains(output.template, "ec2:RevokeSecurityGroupIngress"),
      !strcontains(output.template, "ssm:"),
      !can(jsondecode(output.template).Resources.AutomationRole),
    ])
    error_message = "Template: ${output.template}"
  }
}

# A StackSet only reaches accounts of its own partition, so it can omit what AWS does not have there.
run "in_another_partition" {
  command = plan

  override_data {
    target = data.aws_partition.this
    values = { partition = "aws-cn" }
  }

  variables {
    iam = { permissions_boundary_name = "boundary" }
  }

  assert {
    condition = alltrue([
      !strcontains(output.template, "arn:aws:"),
      !strcontains(output.template, "DisablePublicAccessForSecurityGroup"),
      strcontains(output.template, "EnableCloudTrailLogFileValidation"),
    ])
    error_message = "Template: ${output.template}"
  }
}

run "roles_with_a_path_are_passed_by_it" {
  command = plan

  variables {
    rules = ["redshift-cluster-public", "vpc-flow-logs-disabled"]
    iam   = { path = "/security/", delivery_role_name = "team/acme-flow-logs" }
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(output.template).Resources.Role.Properties.Policies[0].PolicyDocument.Statement :
      statement.Resource if contains(statement.Action, "iam:PassRole")
      ])[*]["Fn::Sub"]) == toset([
      "arn:aws:iam::$${AWS::AccountId}:role/security/cspm-auto-remediation-automation",
      "arn:aws:iam::$${AWS::AccountId}:role/team/acme-flow-logs",
    ]) && !can(jsondecode(output.template).Resources.FlowLogsRole)
    error_message = "Template: ${output.template}"
  }
}

run "each_custom_rule_has_a_policy" {
  command = plan

  variables {
    rules = ["security-group-ssh-open", "acme-1", "acme1"]
    custom_rules = {
      acme-1 = {
        netskope_rule_names = ["A"]
        runbook             = { document = "Acme" }
        permissions         = { automation = [{ actions = ["sqs:TagQueue"], resources = ["arn:{{partition}}:sqs:{{region}}:{{account}}:*"] }] }
      }
      acme1 = {
        netskope_rule_names = ["B"]
        desired_state       = { resource_type = "AWS::RDS::DBInstance", set = { "/DeletionProtection" = true } }
        permissions         = { write = [{ actions = ["rds:ModifyDBInstance"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }] }
      }
      unused = { netskope_rule_names = ["C"], runbook = { document = "Acme" } }
    }
  }

  assert {
    condition = toset([for resource in values(jsondecode(aws_cloudformation_stack_set.this.template_body).Resources) : resource.Properties.ManagedPolicyName if resource.Type == "AWS::IAM::ManagedPolicy"]) == toset([
      "cspm-auto-remediation-acme-1", "cspm-auto-remediation-acme1",
    ])
    error_message = aws_cloudformation_stack_set.this.template_body
  }
  assert {
    condition     = alltrue([for text in ["rds:ModifyDBInstance", "document/Acme", "sqs:TagQueue"] : strcontains(aws_cloudformation_stack_set.this.template_body, text)])
    error_message = aws_cloudformation_stack_set.this.template_body
  }
}
