# A policy for operators' own roles; this module attaches it to nobody. It includes the viewer's permissions. In the findings
# table, operators can write only items that no function writes.

resource "aws_iam_policy" "operator" {
  name        = "${var.name}-operator"
  path        = local.inputs.iam.path
  description = "Lets operators hold, retry, undo, poll, resume, and pause ${var.name} with the cspm-remediation command line."
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for statement in concat(
      local.viewer_statements,
      [
        # ForAllValues alone would allow a request without keys; Null denies it.
        {
          Sid      = "WriteTheirOwnItems"
          Action   = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
          Resource = [local.findings_table_arn]
          Condition = {
            "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["hold#????????????#*", "holds", "pending#????????????#*", "resume#*#????????????", "retry#????????????#*"] }
            Null                      = { "dynamodb:LeadingKeys" = ["false"] }
          }
        },
        # IAM compares the key of a request with the caller, so each request identifies its author.
        {
          Sid      = "WriteTheirOwnRequests"
          Action   = ["dynamodb:DeleteItem", "dynamodb:PutItem"]
          Resource = [local.findings_table_arn]
          Condition = {
            "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["request#$${aws:userid}#*"] }
            Null                      = { "dynamodb:LeadingKeys" = ["false"] }
          }
        },
        {
          Sid      = "WakeTheRemediators"
          Action   = ["sqs:SendMessage"]
          Resource = [for queue in ["jobs.fifo", "jobs-delayed"] : "arn:${local.partition}:sqs:*:${local.account_id}:${var.name}-${queue}"]
        },
        {
          Sid      = "TakeDeadLetters"
          Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
          Resource = [for queue in ["jobs*", "polls"] : "arn:${local.partition}:sqs:*:${local.account_id}:${var.name}-${queue}-dead-letters*"]
        },
        {
          Sid      = "Poll"
          Action   = ["lambda:InvokeFunction"]
          Resource = ["arn:${local.partition}:lambda:${local.home_region}:${local.account_id}:function:${local.collector_name}"]
        },
        {
          Sid      = "Pause"
          Action   = ["ssm:PutParameter"]
          Resource = ["arn:${local.partition}:ssm:*:${local.account_id}:parameter/${var.name}/pause"]
        },
      ],
      # By a pattern, because one service per region would make the policy too long.
      [for statement in local.key_statements.queues : merge(statement, {
        Condition = { StringLike = { "kms:ViaService" = [for domain in local.domains : "sqs.*.${domain}"] } }
      })],
    ) : merge({ Effect = "Allow" }, statement)]
  })
}
