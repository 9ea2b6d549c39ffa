# The parameter by which the command line finds the deployment, and the policies for people.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  regions         = ["us-east-1", "eu-central-1"]
  rules = {
    security-group-ssh-open = { mode = "enforce" }
    s3-bucket-public        = { mode = "off" }
  }
}

run "the_parameter_describes_the_deployment" {
  command = plan

  assert {
    condition = aws_ssm_parameter.deployment.name == "/cspm-auto-remediation/deployment" && { for name, value in jsondecode(aws_ssm_parameter.deployment.insecure_value) : name => value if !contains(["code", "module", "topic"], name) } == {
      version     = 1
      name        = "cspm-auto-remediation"
      account     = "111111111111"
      partition   = "aws"
      home_region = "eu-central-1"
      regions     = ["eu-central-1", "us-east-1"]
      rules       = ["security-group-ssh-open"]
      functions   = { collector = "cspm-auto-remediation-collector", remediator = "cspm-auto-remediation-remediator" }
      queues = {
        jobs                      = "cspm-auto-remediation-jobs.fifo"
        jobs_dead_letters         = "cspm-auto-remediation-jobs-dead-letters.fifo"
        jobs_delayed              = "cspm-auto-remediation-jobs-delayed"
        jobs_delayed_dead_letters = "cspm-auto-remediation-jobs-delayed-dead-letters"
        polls_dead_letters        = "cspm-auto-remediation-polls-dead-letters"
      }
      findings_table  = "cspm-auto-remediation-findings"
      evidence_bucket = "cspm-auto-remediation-evidence-111111111111-eu-central-1"
      settings_bucket = "cspm-auto-remediation-settings-111111111111-eu-central-1"
      schedule_group  = "cspm-auto-remediation"
      target_role     = "cspm-auto-remediation-remediation"
    }
    error_message = "Parameter: ${aws_ssm_parameter.deployment.insecure_value}"
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.deployment.insecure_value).module == jsondecode(file("../catalog.json")).version && toset(keys(jsondecode(aws_ssm_parameter.deployment.insecure_value).code)) == toset(["collector", "remediator"])
    error_message = "The parameter must identify the code: ${aws_ssm_parameter.deployment.insecure_value}"
  }
}

run "viewers_write_nothing" {
  command = plan

  assert {
    condition = alltrue([
      for action in flatten(jsondecode(aws_iam_policy.viewer.policy).Statement[*].Action) :
      can(regex("^(cloudwatch:Describe|dynamodb:(BatchGetItem|GetItem|Query)$|lambda:Get|s3:(GetObject|ListBucket)$|scheduler:Get|sns:List|sqs:Get|ssm:Get)", action))
    ])
    error_message = "A viewer may only read: ${aws_iam_policy.viewer.policy}"
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.deployment.insecure_value).topic == "arn:aws:sns:eu-central-1:111111111111:mock"
    error_message = "Parameter: ${aws_ssm_parameter.deployment.insecure_value}"
  }
}

run "operators_have_viewer_permissions_and_write_their_items" {
  command = plan

  assert {
    condition     = length(setsubtract(jsondecode(aws_iam_policy.viewer.policy).Statement[*].Sid, jsondecode(aws_iam_policy.operator.policy).Statement[*].Sid)) == 0
    error_message = "An operator must have the permissions of a viewer: ${aws_iam_policy.operator.policy}"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.operator.policy).Statement :
      statement.Condition.Null == { "dynamodb:LeadingKeys" = ["false"] } if contains(statement.Action, "dynamodb:PutItem")
    ])
    error_message = "A request without keys must be refused: ${aws_iam_policy.operator.policy}"
  }
}

run "policies_fit_with_many_regions_and_keys" {
  command = plan

  variables {
    name    = "cspm-auto-remediation-x2"
    regions = ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"]
    encryption = {
      for region in ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"] :
      region => { all = "arn:aws:kms:${region}:111111111111:key/01234567-89ab-cdef-0123-456789abcdef" }
    }
  }

  assert {
    condition     = length(aws_iam_policy.operator.policy) <= 6144
    error_message = "IAM allows 6144 characters; the operator's policy has ${length(aws_iam_policy.operator.policy)}."
  }
}
