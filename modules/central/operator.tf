# What operators do by hand, as a policy for their own roles: nothing here takes it on. Of the findings table they read
# everything, and write only what no function writes.

resource "aws_iam_policy" "operator" {
  name        = "${var.name}-operator"
  path        = local.inputs.iam.path
  description = "Hold resources, retry findings, undo fixes, resume rules and pause ${var.name}. Attach it to the roles of its operators."
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "ReadTheFindingsTable"
          Effect   = "Allow"
          Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
          Resource = [aws_dynamodb_table.findings.arn]
        },
        # A request without a key satisfies ForAllValues: hence Null.
        {
          Sid      = "WriteTheirOwnItems"
          Effect   = "Allow"
          Action   = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
          Resource = [aws_dynamodb_table.findings.arn]
          Condition = {
            "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["hold#????????????#*", "pending#????????????#*", "resume#*#????????????", "retry#????????????#*"] }
            Null                      = { "dynamodb:LeadingKeys" = ["false"] }
          }
        },
        # A request is who wrote it: by its key, which IAM compares with the caller.
        {
          Sid      = "WriteTheirOwnRequests"
          Effect   = "Allow"
          Action   = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
          Resource = [aws_dynamodb_table.findings.arn]
          Condition = {
            "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["request#$${aws:userid}#*"] }
            Null                      = { "dynamodb:LeadingKeys" = ["false"] }
          }
        },
        {
          Sid      = "WakeTheRemediators"
          Effect   = "Allow"
          Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
          Resource = local.queue_arns
        },
        {
          Sid      = "Pause"
          Effect   = "Allow"
          Action   = ["ssm:GetParameter", "ssm:PutParameter"]
          Resource = [for region in local.regions : "arn:${local.partition}:ssm:${region}:${local.account_id}:parameter/${var.name}/pause"]
        },
      ],
      [for statement in concat(local.key_statements.table, local.key_statements.queues) : merge({ Effect = "Allow" }, statement)],
    )
  })
}
