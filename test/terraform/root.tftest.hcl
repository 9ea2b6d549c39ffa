mock_provider "aws" {
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules = {
    security-group-ssh-open = { mode = "enforce" }
    s3-bucket-public        = {}
  }
}

# The three modules must agree on names, paths, the external id, and the rules.
run "wired" {
  command = plan

  variables {
    name        = "cure"
    iam         = { path = "/functions/", target_role_path = "/targets/" }
    external_id = "shared"
    queue       = { max_receive_count = 3 }
  }

  assert {
    condition     = output.link.target_role_name == "targets/cure-remediation" && module.target[0].role_name == "cure-remediation"
    error_message = "The remediator must assume the role that the target module creates."
  }

  assert {
    condition = jsondecode(module.target[0].trust_policy).Statement[0].Condition == {
      ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/functions/cure-remediator-*" }
      StringEquals = { "sts:ExternalId" = "shared" }
    }
    error_message = "Trust: ${module.target[0].trust_policy}"
  }

  assert {
    condition     = strcontains(module.target[0].policy, "ec2:RevokeSecurityGroupIngress") && strcontains(module.target[0].policy, "s3:PutBucketPublicAccessBlock") && !strcontains(module.target[0].policy, "iam:")
    error_message = "The target role must be limited to the enabled rules: ${module.target[0].policy}"
  }

  assert {
    condition     = toset(keys(output.settings.rules)) == toset(["s3-bucket-public", "security-group-ssh-open"]) && output.pause_parameter_name == "/cure/pause"
    error_message = "Settings and names must reach the outputs."
  }

  assert {
    condition = { for kind, arns in output.arns : kind => keys(arns) } == {
      functions  = ["collector", "remediator"]
      roles      = ["alarms", "automation", "collector", "flow_logs", "remediator", "scheduler", "target"]
      policies   = ["operator", "viewer"]
      log_groups = ["collector", "remediator"]
      buckets    = ["evidence", "settings"]
      queues     = ["alarms_dead_letters", "dead_letters", "delayed", "delayed_dead_letters", "jobs", "notifications_dead_letters", "polls_dead_letters"]
      topics     = ["notifications"]
      buses      = ["outcomes"]
      tables     = ["findings"]
      secrets    = ["api_token"]
      dashboards = ["overview"]
      parameters = ["pause"]
      } && alltrue(flatten([
        for kind, arns in output.arns : [for arn in values(arns) : arn == null || startswith(coalesce(arn, "-"), "arn:")] if !contains(["dashboards", "parameters", "policies", "tables"], kind) # which are known after an apply
    ]))
    error_message = "ARNs: ${jsonencode(output.arns)}"
  }
}

# A rule named by its legacy id, with the method runbook: the target module must accept the name and allow the start.
run "by_legacy_id_and_runbook" {
  command = plan

  variables {
    rules = { CIS-1-2-0-4-1 = { mode = "enforce", method = "runbook" } }
  }

  assert {
    condition     = keys(output.settings.rules) == ["security-group-ssh-open"] && strcontains(module.target[0].policy, "document/AWS-DisablePublicAccessForSecurityGroup")
    error_message = "Settings: ${jsonencode(output.settings)}; policy: ${module.target[0].policy}"
  }

  assert {
    condition     = output.link.automation_role_name == module.target[0].automation.role_name
    error_message = "The remediator must pass the role that the target module creates."
  }
}

# The option names the role that writes flow logs; the target module must allow the remediators to pass it.
run "an_own_delivery_role" {
  command = plan

  variables {
    rules = {
      s3-bucket-public       = {}
      vpc-flow-logs-disabled = { options = { delivery_role_name = "team/acme-flow-logs" } }
    }
  }

  assert {
    condition     = strcontains(module.target[0].policy, "\"arn:aws:iam::111111111111:role/team/acme-flow-logs\"") && module.target[0].flow_logs == null
    error_message = "Policy: ${module.target[0].policy}"
  }

  assert {
    condition     = jsondecode(output.settings.rules["vpc-flow-logs-disabled"]).options.delivery_role_name == "team/acme-flow-logs"
    error_message = "Settings: ${jsonencode(output.settings)}"
  }
}

run "for_an_organization_with_undo" {
  command = plan

  variables {
    organization_id = "o-a1b2c3d4e5"
    undo            = true
    rules           = { vpc-flow-logs-disabled = {} }
  }

  assert {
    condition = (
      output.link.organization_id == "o-a1b2c3d4e5" &&
      jsondecode(module.target[0].trust_policy).Statement[0].Condition.StringEquals["aws:PrincipalOrgID"] == "o-a1b2c3d4e5" &&
      strcontains(module.target[0].policy, "ec2:DeleteFlowLogs")
    )
    error_message = "Both must reach the modules: ${module.target[0].trust_policy} ${module.target[0].policy}"
  }
}

run "without_own_account" {
  command = plan

  variables {
    protect_own_account = false
  }

  assert {
    condition     = length(module.target) == 0 && output.target_role_arn == null
    error_message = "protect_own_account = false must create no target role."
  }
}
