locals {
  calls = {
    tag   = { Api = "TagQueue", Tags = { owner = "unknown" } }
    untag = { Api = "UntagQueue", TagKeys = ["owner"] }
  }
}

resource "aws_ssm_document" "queue_owner" {
  for_each = local.calls

  name            = "acme-queue-owner-${each.key}"
  document_type   = "Automation"
  document_format = "JSON"

  content = jsonencode({
    schemaVersion = "0.3"
    assumeRole    = "{{ AutomationAssumeRole }}"
    parameters = {
      AutomationAssumeRole = { type = "String" }
      Queue                = { type = "String" }
    }
    mainSteps = [
      {
        name    = "FindQueue"
        action  = "aws:executeAwsApi"
        inputs  = { Service = "sqs", Api = "GetQueueUrl", QueueName = "{{ Queue }}" }
        outputs = [{ Name = "Url", Selector = "$.QueueUrl", Type = "String" }]
      },
      {
        name   = "ChangeTags"
        action = "aws:executeAwsApi"
        inputs = merge({ Service = "sqs", QueueUrl = "{{ FindQueue.Url }}" }, each.value)
      },
    ]
  })
}
