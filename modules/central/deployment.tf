# Detects an existing deployment of the same name that is not at this address of the state: one of another root module, or this
# one before its module block was renamed without a `moved` block. Otherwise, Terraform would create resources and destroy
# others of the same names at the same time, and AWS would refuse that midway.

locals {
  polls_dead_letters_name = "${var.name}-polls-dead-letters"
}

data "aws_sqs_queues" "polls_dead_letters" {
  queue_name_prefix = local.polls_dead_letters_name
}

resource "terraform_data" "deployment" {
  # Keeps the value from its creation, because the queue belongs to this deployment from then on.
  input = var.adopt ? [] : [for url in data.aws_sqs_queues.polls_dead_letters.queue_urls : url if endswith(url, "/${local.polls_dead_letters_name}")]

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = length(self.input) == 0
      error_message = "A deployment named \"${var.name}\" already exists in account ${local.account_id} and region ${local.home_region} (${join(", ", self.input)}), but not at this address of the state. If you renamed or moved the module block, write a `moved` block (docs/operations.md, \"Rename or move\"). To upgrade from 0.1, set `adopt = true` once. For a second deployment choose another `name`."
    }
  }
}
