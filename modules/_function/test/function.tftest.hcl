mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  name        = "work"
  role_name   = "work-role"
  description = "Does the work."
  package     = "../../dist/collector.zip"
  environment = { NAME = "work" }
  statements = [
    { Action = ["events:PutEvents"], Resource = ["*"] },
    { Action = ["s3:GetObject"], Resource = ["*"], Condition = { StringEquals = { "aws:ResourceAccount" = ["111111111111"] } } },
  ]
  settings = {
    memory_size        = 512
    timeout            = 60
    architecture       = "arm64"
    log_level          = "WARN"
    log_retention_days = 30
    tracing            = false
  }
}

run "with_defaults" {
  command = plan

  assert {
    condition = alltrue([
      aws_lambda_function.this.runtime == "nodejs22.x",
      aws_lambda_function.this.handler == "index.handler",
      aws_lambda_function.this.source_code_hash == filebase64sha256(var.package),
      aws_lambda_function.this.architectures == tolist(["arm64"]),
      aws_lambda_function.this.reserved_concurrent_executions == -1,
      aws_lambda_function.this.tracing_config[0].mode == "PassThrough",
      length(aws_lambda_function.this.vpc_config) == 0,
      aws_lambda_function.this.logging_config[0].log_group == aws_cloudwatch_log_group.this.name,
      aws_lambda_function.this.environment[0].variables == tomap({ NAME = "work", POWERTOOLS_LOG_LEVEL = "WARN" }),
      aws_cloudwatch_log_group.this.name == "/aws/lambda/work",
      aws_cloudwatch_log_group.this.retention_in_days == 30,
    ])
    error_message = "Function: ${jsonencode(aws_lambda_function.this)}"
  }

  assert {
    condition = jsonencode(jsondecode(aws_iam_role_policy.this.policy).Statement) == jsonencode([
      { Action = ["events:PutEvents"], Effect = "Allow", Resource = ["*"] },
      { Action = ["s3:GetObject"], Condition = { StringEquals = { "aws:ResourceAccount" = ["111111111111"] } }, Effect = "Allow", Resource = ["*"] },
      { Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Effect = "Allow", Resource = ["arn:aws:logs:eu-central-1:111111111111:log-group:mock:*"] },
    ])
    error_message = "Policy: ${aws_iam_role_policy.this.policy}"
  }
}

run "traced_in_a_vpc" {
  command = plan

  variables {
    settings = {
      memory_size          = 512
      timeout              = 60
      architecture         = "x86_64"
      log_level            = "INFO"
      log_retention_days   = 30
      tracing              = true
      reserved_concurrency = 0
      subnet_ids           = ["subnet-1"]
      security_group_ids   = ["sg-1"]
      runtime              = "nodejs20.x"
      layers               = ["arn:aws:lambda:eu-central-1:111111111111:layer:agent:1"]
      environment          = { AWS_LAMBDA_EXEC_WRAPPER = "/opt/agent" }
    }
    iam = { path = "/functions/", permissions_boundary_arn = "arn:aws:iam::111111111111:policy/boundary" }
  }

  assert {
    condition = alltrue([
      aws_lambda_function.this.reserved_concurrent_executions == 0,
      aws_lambda_function.this.tracing_config[0].mode == "Active",
      aws_lambda_function.this.vpc_config[0].subnet_ids == toset(["subnet-1"]),
      aws_lambda_function.this.vpc_config[0].security_group_ids == toset(["sg-1"]),
      aws_lambda_function.this.runtime == "nodejs20.x",
      aws_lambda_function.this.layers == tolist(["arn:aws:lambda:eu-central-1:111111111111:layer:agent:1"]),
      aws_lambda_function.this.environment[0].variables == tomap({ AWS_LAMBDA_EXEC_WRAPPER = "/opt/agent", NAME = "work", POWERTOOLS_LOG_LEVEL = "INFO" }),
      aws_iam_role.this.path == "/functions/",
      aws_iam_role.this.permissions_boundary == "arn:aws:iam::111111111111:policy/boundary",
    ])
    error_message = "Function: ${jsonencode(aws_lambda_function.this)}"
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.this.policy, "xray:PutTraceSegments") && strcontains(aws_iam_role_policy.this.policy, "ec2:CreateNetworkInterface")
    error_message = "Policy: ${aws_iam_role_policy.this.policy}"
  }
}

run "role_name_too_long" {
  command = plan
  variables {
    role_name = "a2345678901234567890123456789012345678901234567890123456789012345"
  }
  expect_failures = [var.role_name]
}

run "environment_with_names_that_lambda_refuses" {
  command = plan
  variables {
    settings = merge(var.settings, { environment = { AWS_REGION = "eu-central-1", "1-AGENT" = "x", A = "x" } })
  }
  expect_failures = [aws_lambda_function.this]
}

run "environment_too_large_and_set_twice" {
  command = plan
  variables {
    settings = merge(var.settings, { environment = { REGION_LABELS = "{}" } })
    # Three bytes each.
    environment = { REGION_LABELS = join("", [for number in range(700) : "東東"]) }
  }
  expect_failures = [aws_lambda_function.this]
}
