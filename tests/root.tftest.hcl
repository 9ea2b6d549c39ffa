mock_provider "aws" {
  source          = "./test/support/aws-mocks"
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

# The three modules must agree: on names, paths, the external id and the rules.
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
    error_message = "The remediator must look for the role that the target module makes."
  }

  assert {
    condition = jsondecode(module.target[0].trust_policy).Statement[0].Condition == {
      ArnLike      = { "aws:PrincipalArn" = "arn:aws:iam::111111111111:role/functions/cure-remediator-*" }
      StringEquals = { "sts:ExternalId" = "shared" }
    }
    error_message = "Trust: ${module.target[0].trust_policy}"
  }

  assert {
    condition     = strcontains(module.target[0].policy, "ec2:RevokeSecurityGroupIngress") && strcontains(module.target[0].policy, "s3:PutBucketPublicAccessBlock") && !strcontains(module.target[0].policy, "iam:UpdateAccessKey")
    error_message = "The target role is for the enabled rules alone: ${module.target[0].policy}"
  }

  assert {
    condition     = toset(keys(output.settings)) == toset(["s3-bucket-public", "security-group-ssh-open"]) && output.pause_parameter_name == "/cure/pause"
    error_message = "Settings and names must reach the outputs."
  }
}

run "without_own_account" {
  command = plan

  variables {
    protect_own_account = false
  }

  assert {
    condition     = length(module.target) == 0 && output.target_role_arn == null
    error_message = "protect_own_account = false must make no target role."
  }
}
