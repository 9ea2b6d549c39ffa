# A deployment under the same name that this address of the state does not hold: another root's, or this one's from before
# its module block was renamed without a `moved` block. Terraform would then create everything of the same names and
# destroy the old ones at the same time, which AWS refuses half-way.

locals {
  polls_dead_letters_name = "${var.name}-polls-dead-letters"
}

data "aws_sqs_queues" "polls_dead_letters" {
  queue_name_prefix = local.polls_dead_letters_name
}

resource "terraform_data" "deployment" {
  # As it was when this was created: from then on the queue is this deployment's own.
  input = var.adopt ? [] : [for url in data.aws_sqs_queues.polls_dead_letters.queue_urls : url if endswith(url, "/${local.polls_dead_letters_name}")]

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = length(self.input) == 0
      error_message = "A deployment named \"${var.name}\" already exists in account ${local.account_id} and region ${local.home_region} (${join(", ", self.input)}), but not at this address of the state. If you renamed or moved the module block, write a `moved` block (docs/operations.md, \"Rename or move\"). To upgrade from 0.1, set `adopt = true` once. For a second deployment choose another `name`."
    }
  }
}
