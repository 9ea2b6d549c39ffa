data "aws_service_principal" "lambda" {
  service_name = "lambda"
}

locals {
  in_vpc = length(var.settings.subnet_ids) > 0

  log_statement = {
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  # X-Ray's actions do not support resource-level permissions.
  tracing_statement = {
    Effect   = "Allow"
    Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    Resource = ["*"]
  }

  # Lambda uses these permissions of the function's role to attach the function to a VPC. They cannot name a network interface
  # that does not exist yet.
  vpc_statement = {
    Effect = "Allow"
    Action = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
    ]
    Resource = ["*"]
  }

  own_environment = merge(var.environment, { POWERTOOLS_LOG_LEVEL = var.settings.log_level })
  environment     = merge(var.settings.environment, local.own_environment)
  set_twice       = setintersection(keys(var.settings.environment), keys(local.own_environment))

  # Names that Lambda sets itself, so it refuses them (Lambda developer guide, "Environment variables").
  reserved_names = [
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
  ]
  refused_names = [
    for name in keys(var.settings.environment) : "\"${name}\"" if contains(local.reserved_names, name) || !can(regex("^[a-zA-Z][a-zA-Z0-9_]+$", name))
  ]

  # The size in bytes of the JSON that is sent to Lambda.
  environment_size = floor(length(base64encode(jsonencode(local.environment))) * 3 / 4)

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for statement in var.statements : { for key, value in statement : key => value if value != null }],
      [local.log_statement],
      var.settings.tracing ? [local.tracing_statement] : [],
      local.in_vpc ? [local.vpc_statement] : [],
    )
  })
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: CloudWatch Logs encrypts by default; a customer managed key costs money, so the user chooses it
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.settings.log_retention_days
  kms_key_id        = var.log_key_arn
  tags              = var.tags
}

resource "aws_iam_role" "this" {
  name                 = var.role_name
  path                 = var.iam.path
  permissions_boundary = var.iam.permissions_boundary_arn
  description          = "The function ${var.name}: ${var.description}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = data.aws_service_principal.lambda.name }
    }]
  })

  tags = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "work"
  role   = aws_iam_role.this.name
  policy = local.policy
}

# trivy:ignore:AVD-AWS-0066 off by default, as in Lambda; settings.tracing turns it on
resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116: failed events go to the dead-letter queue of the job queue or of the asynchronous invocation
  # checkov:skip=CKV_AWS_173: the variables contain names and ARNs, no secrets
  # checkov:skip=CKV_AWS_272: the zip comes with the module at a fixed version; users can add code signing
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn

  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "index.handler"
  runtime          = var.settings.runtime
  layers           = var.settings.layers

  architectures                  = [var.settings.architecture]
  memory_size                    = var.settings.memory_size
  timeout                        = var.settings.timeout
  reserved_concurrent_executions = coalesce(var.settings.reserved_concurrency, -1)

  environment {
    variables = local.environment
  }

  # Text, because the function's own lines are already JSON. Lambda's JSON format would also filter these lines by level again,
  # including metrics, which are log lines.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.settings.tracing ? "Active" : "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = local.in_vpc ? [var.settings] : []

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  tags = var.tags

  # Without its permissions, a function fails, and cannot be created in a VPC.
  depends_on = [aws_iam_role_policy.this]

  lifecycle {
    precondition {
      condition     = length(local.set_twice) == 0
      error_message = "The environment of ${var.name} contains ${join(", ", local.set_twice)}, which the module itself sets: leave it out."
    }

    precondition {
      condition     = length(local.refused_names) == 0
      error_message = "The environment of ${var.name} contains ${join(", ", local.refused_names)}: expected names of at least two letters, digits and _, beginning with a letter, that Lambda does not set itself."
    }

    precondition {
      condition     = local.environment_size <= 4096
      error_message = "The environment variables of ${var.name} have ${local.environment_size} bytes; Lambda allows 4096. Shorten the inputs with the longest values: ${join(", ", [for name, value in local.environment : "${name} (${length(value)} characters)" if length(value) > 400])}."
    }
  }
}
