# A read-only policy for people's own roles; this module attaches it to nobody. It needs neither the token nor a role in another
# account.

locals {
  # Literal ARNs instead of references, so that a plan shows the policies.
  findings_table_arn  = "arn:${local.partition}:dynamodb:${local.home_region}:${local.account_id}:table/${local.findings_table}"
  evidence_bucket_arn = "arn:${local.partition}:s3:::${local.evidence_bucket}"

  functions_arns = [for name in ["collector", "remediator"] : "arn:${local.partition}:lambda:*:${local.account_id}:function:${var.name}-${name}"]

  viewer_statements = concat(
    [
      {
        Sid      = "ReadParameters"
        Action   = ["ssm:GetParameter"]
        Resource = [for name in ["deployment", "home-region", "pause"] : "arn:${local.partition}:ssm:*:${local.account_id}:parameter/${var.name}/${name}"]
      },
      {
        Sid      = "ReadTheFindingsTable"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
        Resource = [local.findings_table_arn]
      },
      {
        Sid    = "ReadEvidenceAndSettings"
        Action = ["s3:GetObject"]
        Resource = concat(
          [for prefix in ["jobs", "outcomes", "plans", "polls"] : "${local.evidence_bucket_arn}/${prefix}/*"],
          ["${local.settings_bucket_arn}/accounts.json", "${local.settings_bucket_arn}/rules/*"],
        )
      },
      # Without this permission, S3 also returns 403 instead of 404 for missing objects.
      {
        Sid      = "ListPolls"
        Action   = ["s3:ListBucket"]
        Resource = [local.evidence_bucket_arn, local.settings_bucket_arn]
      },
      {
        Sid      = "CountMessages"
        Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
        Resource = ["arn:${local.partition}:sqs:*:${local.account_id}:${var.name}-*"]
      },
      # CloudWatch returns composite alarms only with a permission for all resources (API reference, DescribeAlarms).
      {
        Sid      = "ReadAlarms"
        Action   = ["cloudwatch:DescribeAlarms"]
        Resource = ["*"]
      },
      {
        Sid      = "ReadSchedules"
        Action   = ["scheduler:GetSchedule"]
        Resource = ["arn:${local.partition}:scheduler:${local.home_region}:${local.account_id}:schedule/${var.name}/*"]
      },
      {
        Sid      = "ReadFunctions"
        Action   = ["lambda:GetFunctionConfiguration"]
        Resource = local.functions_arns
      },
      {
        Sid      = "ReadQuotas"
        Action   = ["lambda:GetAccountSettings"]
        Resource = ["*"]
      },
    ],
    [for arn in local.topic_arns : {
      Sid      = "ReadSubscriptions"
      Action   = ["sns:ListSubscriptionsByTopic"]
      Resource = [arn]
    }],
    local.key_statements.table,
    local.key_statements.read_buckets,
  )
}

resource "aws_iam_policy" "viewer" {
  name        = "${var.name}-viewer"
  path        = local.inputs.iam.path
  description = "Lets people see what ${var.name} does, and why, with the cspm-remediation command line. Attach it to their roles."
  tags        = var.tags

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.viewer_statements : merge({ Effect = "Allow" }, statement)]
  })
}
