mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

override_data {
  target = data.aws_caller_identity.this
  values = { account_id = "222222222222" }
}

variables {
  security_account_id = "111111111111"
}

run "all_rules" {
  command = plan

  assert {
    condition     = aws_iam_role.remediation.name == "cspm-auto-remediation-remediation" && aws_iam_role.remediation.path == "/"
    error_message = "The role's name and path must be those in central's link."
  }

  assert {
    condition = jsondecode(aws_iam_role.remediation.assume_role_policy) == {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { AWS = "arn:aws:iam::111111111111:root" }
        Condition = {
          ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/cspm-auto-remediation-remediator-*" }
          StringEquals = { "sts:ExternalId" = "cspm-auto-remediation-111111111111" }
        }
      }]
    }
    error_message = "Trust: ${aws_iam_role.remediation.assume_role_policy}"
  }

  # IAM's limit is 10240 characters; the role has no other inline policy.
  assert {
    condition     = length(aws_iam_role_policy.remediation[0].policy) <= 10240
    error_message = "The policy for all rules has ${length(aws_iam_role_policy.remediation[0].policy)} characters."
  }

  # Only the permissions that some rule needs to read or write.
  assert {
    condition = toset(flatten(jsondecode(aws_iam_role_policy.remediation[0].policy).Statement[*].Action)) == toset(flatten([
      for rule in jsondecode(file("../catalog.json")).rules : concat(
        [for kind in ["read", "write"] : rule.permissions[kind][*].actions],
        try(rule.runbook.start, [])[*].actions,
      )
    ]))
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }

  assert {
    condition = alltrue([
      for resource in flatten(jsondecode(aws_iam_role_policy.remediation[0].policy).Statement[*].Resource) :
      # Runbooks belong to AWS, so their ARNs contain no account.
      resource == "*" || can(regex("^arn:aws:(s3:::|ssm:\\*:\\**:(document|automation-definition)/)", resource)) || try(split(":", resource)[4] == "222222222222", false)
    ]) && !strcontains(aws_iam_role_policy.remediation[0].policy, "$")
    error_message = "Resources must be only of this account, without placeholders: ${aws_iam_role_policy.remediation[0].policy}"
  }

  # A bucket's ARN contains no account.
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.remediation[0].policy).Statement :
      try(statement.Condition.StringEquals["aws:ResourceAccount"], []) == ["222222222222"]
      if anytrue([for resource in statement.Resource : startswith(resource, "arn:aws:s3:::")])
    ])
    error_message = "Only buckets of this account: ${aws_iam_role_policy.remediation[0].policy}"
  }
}

# The role can read the trail only if this is enabled.
run "with_cloudtrail_lookup" {
  command = plan

  variables {
    cloudtrail_lookup = true
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.remediation[0].policy).Statement : statement.Resource if contains(statement.Action, "cloudtrail:LookupEvents")] == [["*"]]
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }
}

# Permissions that only an undo needs are granted only with `undo`.
run "without_undo" {
  command = plan

  variables {
    rules = ["vpc-flow-logs-disabled"]
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.remediation[0].policy, "Delete") && strcontains(aws_iam_role_policy.remediation[0].policy, "ec2:CreateFlowLogs")
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }
}

run "with_undo" {
  command = plan

  variables {
    undo = true
  }

  assert {
    condition = toset(flatten(jsondecode(aws_iam_role_policy.remediation[0].policy).Statement[*].Action)) == toset(flatten([
      for rule in jsondecode(file("../catalog.json")).rules : concat(
        [for kind in values(rule.permissions) : kind[*].actions],
        try(rule.runbook.start, [])[*].actions,
      )
    ])) && strcontains(aws_iam_role_policy.remediation[0].policy, "ec2:DeleteFlowLogs") && strcontains(aws_iam_role_policy.remediation[0].policy, "logs:DeleteLogDelivery")
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }

  assert {
    condition     = length(aws_iam_role_policy.remediation[0].policy) <= 10240
    error_message = "The policy for all rules has ${length(aws_iam_role_policy.remediation[0].policy)} characters."
  }
}

run "flow_logs" {
  command = plan

  variables {
    name  = "cure"
    rules = ["vpc-flow-logs-disabled"]
    iam   = { path = "/security/", permissions_boundary_arn = "arn:aws:iam::222222222222:policy/boundary" }
  }

  assert {
    condition = alltrue([
      aws_iam_role.flow_logs[0].name == "cure-flow-logs",
      aws_iam_role.flow_logs[0].path == "/security/",
      aws_iam_role.flow_logs[0].permissions_boundary == "arn:aws:iam::222222222222:policy/boundary",
      jsondecode(aws_iam_role.flow_logs[0].assume_role_policy).Statement[0].Principal == { Service = "vpc-flow-logs.amazonaws.com" },
      jsondecode(aws_iam_role.flow_logs[0].assume_role_policy).Statement[0].Condition.StringEquals == { "aws:SourceAccount" = "222222222222" },
      strcontains(aws_iam_role_policy.flow_logs[0].policy, "logs:PutLogEvents"),
    ])
    error_message = "Role: ${jsonencode(aws_iam_role.flow_logs)}"
  }

  # The roles that the remediators can pass must be those that exist.
  assert {
    condition     = strcontains(aws_iam_role_policy.remediation[0].policy, "\"arn:aws:iam::222222222222:role/security/cure-flow-logs\"") && !strcontains(aws_iam_role_policy.remediation[0].policy, "role/*")
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }
}

run "flow_logs_by_an_own_role" {
  command = plan

  variables {
    rules = ["vpc-flow-logs-disabled"]
    iam   = { delivery_role_name = "team/acme-flow-logs" }
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.remediation[0].policy).Statement : statement.Resource if contains(statement.Action, "iam:PassRole")
    ] == [["arn:aws:iam::222222222222:role/team/acme-flow-logs"]]
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }

  assert {
    condition     = length(aws_iam_role.flow_logs) == 0 && length(aws_iam_role_policy.flow_logs) == 0 && output.flow_logs_role_arn == null
    error_message = "The policy must not allow passing this module's role for flow logs."
  }
}

run "runbooks" {
  command = plan

  variables {
    name  = "cure"
    rules = ["redshift-cluster-public"]
    iam   = { path = "/security/", permissions_boundary_arn = "arn:aws:iam::222222222222:policy/boundary" }
  }

  assert {
    condition = alltrue([
      aws_iam_role.automation[0].name == "cure-automation",
      aws_iam_role.automation[0].path == "/security/",
      aws_iam_role.automation[0].permissions_boundary == "arn:aws:iam::222222222222:policy/boundary",
      jsondecode(aws_iam_role.automation[0].assume_role_policy).Statement == [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "ssm.amazonaws.com" }
        Condition = {
          StringEquals = { "aws:SourceAccount" = "222222222222" }
          ArnLike      = { "aws:SourceArn" = "arn:aws:ssm:*:222222222222:automation-execution/*" }
        }
      }],
    ])
    error_message = "Role: ${jsonencode(aws_iam_role.automation)}"
  }

  assert {
    condition = toset(flatten(jsondecode(aws_iam_role_policy.automation[0].policy).Statement[*].Action)) == toset(flatten(
      jsondecode(file("../catalog.json")).rules["redshift-cluster-public"].runbook.permissions[*].actions
    ))
    error_message = "The runbooks' role must be allowed what its runbooks call: ${aws_iam_role_policy.automation[0].policy}"
  }

  # The roles that the remediators can pass must be those that exist.
  assert {
    condition     = strcontains(aws_iam_role_policy.remediation[0].policy, "\"arn:aws:iam::222222222222:role/security/cure-automation\"") && !strcontains(aws_iam_role_policy.remediation[0].policy, "role/*")
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }
}

# A runbook can be started only with the rule's own document, and the role can be passed only to Systems Manager.
run "the_start_of_runbooks" {
  command = plan

  variables {
    rules = ["redshift-cluster-public", "s3-bucket-public"]
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_role_policy.remediation[0].policy).Statement : statement.Resource if contains(statement.Action, "ssm:StartAutomationExecution")
      ])) == toset([
      "arn:aws:ssm:*::document/AWSConfigRemediation-DisablePublicAccessToRedshiftCluster",
      "arn:aws:ssm:*:*:automation-definition/AWSConfigRemediation-DisablePublicAccessToRedshiftCluster:*",
      "arn:aws:ssm:*:222222222222:automation-execution/*",
    ])
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.remediation[0].policy).Statement : [statement.Resource, statement.Condition] if contains(statement.Action, "iam:PassRole")
    ] == [[["arn:aws:iam::222222222222:role/cspm-auto-remediation-automation"], { StringEquals = { "iam:PassedToService" = ["ssm.amazonaws.com"] } }]]
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }
}

run "without_runbooks" {
  command = plan

  variables {
    rules    = ["redshift-cluster-public"]
    runbooks = false
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.remediation[0].policy, "ssm:") && !strcontains(aws_iam_role_policy.remediation[0].policy, "iam:PassRole") && strcontains(aws_iam_role_policy.remediation[0].policy, "redshift:ModifyCluster")
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }

  assert {
    condition     = length(aws_iam_role.automation) == 0 && length(aws_iam_role_policy.automation) == 0 && output.automation == null
    error_message = "The policy must not allow starting runbooks."
  }
}

run "by_id" {
  command = plan

  variables {
    rules = ["s3-bucket-public", "vpc-flow-logs-disabled"]
  }
}

run "by_legacy_id" {
  command = plan

  variables {
    rules = ["BPR-1-0-0", "CIS-1-2-0-2-9"]
  }

  assert {
    condition     = output.policy == run.by_id.policy && output.flow_logs == run.by_id.flow_logs
    error_message = "Both names of a rule must give the same policy: ${output.policy} and ${run.by_id.policy}"
  }
}

run "some_rules" {
  command = plan

  variables {
    name            = "cure"
    rules           = ["iam-access-key-unrotated", "s3-bucket-public"]
    external_id     = "shared"
    organization_id = "o-a1b2c3d4e5"
    iam             = { path = "/security/", permissions_boundary_arn = "arn:aws:iam::222222222222:policy/boundary", remediator_role_path = "/functions/" }
    tags            = { team = "security" }
  }

  assert {
    condition = jsonencode([
      for statement in jsondecode(aws_iam_role_policy.remediation[0].policy).Statement :
      [statement.Action, statement.Resource, try(statement.Condition, null)]
      ]) == jsonencode([
      [["s3:GetBucketAcl", "s3:GetBucketPolicyStatus", "s3:GetBucketPublicAccessBlock", "s3:GetBucketTagging", "s3:PutBucketPublicAccessBlock"], ["arn:aws:s3:::*"], { StringEquals = { "aws:ResourceAccount" = ["222222222222"] } }],
      [["s3:ListAccessPoints", "s3:ListAllMyBuckets"], ["*"], null],
      [["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys", "iam:ListUserTags", "iam:UpdateAccessKey"], ["arn:aws:iam::222222222222:user/*"], null],
      [["s3:GetAccessPointPolicyStatus"], ["arn:aws:s3:*:222222222222:accesspoint/*"], null],
    ])
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role.remediation.assume_role_policy).Statement[0].Condition == {
      ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/functions/cure-remediator-*" }
      StringEquals = { "sts:ExternalId" = "shared", "aws:PrincipalOrgID" = "o-a1b2c3d4e5" }
    }
    error_message = "Trust: ${aws_iam_role.remediation.assume_role_policy}"
  }

  assert {
    condition     = length(aws_iam_role.flow_logs) == 0 && length(aws_iam_role_policy.flow_logs) == 0 && output.flow_logs_role_arn == null
    error_message = "No rule here enables flow logs."
  }

  assert {
    condition     = length(aws_iam_role.automation) == 0 && length(aws_iam_role_policy.automation) == 0 && output.automation == null
    error_message = "No rule here has a runbook."
  }

  assert {
    condition = alltrue([
      aws_iam_role.remediation.name == "cure-remediation",
      aws_iam_role.remediation.path == "/security/",
      aws_iam_role.remediation.permissions_boundary == "arn:aws:iam::222222222222:policy/boundary",
      aws_iam_role.remediation.tags == tomap({ team = "security" }),
    ])
    error_message = "Names, path, boundary and tags must reach the role."
  }
}

run "in_another_partition" {
  command = plan

  override_data {
    target = data.aws_partition.this
    values = { partition = "aws-cn" }
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.remediation[0].policy, "arn:aws:") && !strcontains(aws_iam_role.remediation.assume_role_policy, "arn:aws:")
    error_message = "ARNs must have the partition: ${aws_iam_role_policy.remediation[0].policy} ${aws_iam_role.remediation.assume_role_policy}"
  }

  # AWS has the document for security groups in other partitions only; the other documents are here, too.
  assert {
    condition = toset([
      for resource in flatten(jsondecode(aws_iam_role_policy.remediation[0].policy).Statement[*].Resource) :
      split("document/", resource)[1] if strcontains(resource, ":document/")
      ]) == toset([
      "AWSConfigRemediation-EnableCloudTrailLogFileValidation", "AWSConfigRemediation-DisablePublicAccessToRedshiftCluster",
    ]) && strcontains(aws_iam_role_policy.remediation[0].policy, "ec2:RevokeSecurityGroupIngress")
    error_message = "Policy: ${aws_iam_role_policy.remediation[0].policy}"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.automation[0].policy, "ec2:")
    error_message = "The runbooks' role must be limited to the documents of this partition: ${aws_iam_role_policy.automation[0].policy}"
  }
}

run "no_rules" {
  command = plan

  variables {
    rules = []
  }

  assert {
    condition     = length(aws_iam_role_policy.remediation) == 0
    error_message = "A role without rules must have no permissions."
  }
}

run "count_0_creates_nothing" {
  command = plan

  module {
    source = "./test/counted"
  }

  variables {
    create = false
  }

  assert {
    condition     = output.instances == 0
    error_message = "The module must support count = 0."
  }
}

run "each_custom_rule_has_a_policy" {
  command = plan

  variables {
    rules = ["security-group-ssh-open", "rds-instance-public", "acme", "instances"]
    custom_rules = {
      acme = {
        netskope_rule_names = ["A"]
        runbook             = { document = "Acme", parameters = { AutomationAssumeRole = ["{{automation_role_arn}}"] } }
        permissions         = { automation = [{ actions = ["sqs:TagQueue"], resources = ["arn:{{partition}}:sqs:{{region}}:{{account}}:*"] }] }
      }
      instances = {
        netskope_rule_names = ["B"]
        desired_state       = { resource_type = "AWS::RDS::DBInstance", set = { "/DeletionProtection" = true } }
        permissions         = { write = [{ actions = ["rds:ModifyDBInstance"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:*"] }] }
      }
      unused = { netskope_rule_names = ["C"], runbook = { document = "Acme" } }
    }
    runbooks = false
  }

  assert {
    condition     = join(" ", keys(aws_iam_policy.custom)) == "acme instances" && join(" ", keys(aws_iam_role_policy_attachment.custom)) == "acme instances"
    error_message = "Exactly the enabled rules must have policies: ${join(", ", keys(aws_iam_policy.custom))}"
  }
  assert {
    condition = alltrue([for action in ["cloudformation:GetResource", "cloudformation:UpdateResource", "rds:ModifyDBInstance"] :
    strcontains(aws_iam_policy.custom["instances"].policy, action)]) && !strcontains(aws_iam_policy.custom["instances"].policy, "ssm:")
    error_message = aws_iam_policy.custom["instances"].policy
  }
  assert {
    condition     = strcontains(aws_iam_policy.custom["acme"].policy, "document/Acme") && strcontains(aws_iam_policy.custom["acme"].policy, "-automation") && strcontains(aws_iam_role_policy.automation[0].policy, "sqs:TagQueue")
    error_message = aws_iam_policy.custom["acme"].policy
  }
  # Library rules, like any other rule.
  assert {
    condition     = strcontains(aws_iam_role_policy.remediation[0].policy, "rds:ModifyDBInstance")
    error_message = aws_iam_role_policy.remediation[0].policy
  }
}

# All rules' documents use one role, and IAM limits the inline policies of a role to 10,240 characters.
run "runbooks_that_exceed_the_policy_size" {
  command = plan

  variables {
    rules = ["acme"]
    custom_rules = {
      acme = {
        netskope_rule_names = ["A"]
        runbook             = { document = "Acme", parameters = { AutomationAssumeRole = ["{{automation_role_arn}}"] } }
        permissions = {
          automation = [{ actions = ["sqs:TagQueue"], resources = [for n in range(300) : "arn:{{partition}}:sqs:{{region}}:{{account}}:number-${n}"] }]
        }
      }
    }
  }

  expect_failures = [aws_iam_role_policy.automation]
}

run "tags" {
  command = plan
  variables {
    tags = { "aws:team" = "security" }
  }
  expect_failures = [var.tags]
}
