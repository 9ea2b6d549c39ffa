locals {
  # A standard parameter holds 4 KB. Base64, so that no cut goes through a character, and no text means something to
  # Systems Manager.
  piece_length  = 3500
  settings_text = { for rule, settings in var.link.settings : rule => base64encode(settings) }

  # `<number>/<count> <digest of the whole> <piece>`: a reader notices a piece that is missing or of another apply.
  pieces = merge([
    for rule, text in local.settings_text : {
      for number in range(1, ceil(length(text) / local.piece_length) + 1) :
      "${rule}/${number}" => "${number}/${ceil(length(text) / local.piece_length)} ${sha256(text)} ${substr(text, (number - 1) * local.piece_length, local.piece_length)}"
    }
  ]...)
}

resource "aws_ssm_parameter" "settings" {
  # checkov:skip=CKV2_AWS_34: modes and exemptions are no secret, and a plan shows them
  for_each = local.pieces

  name        = "/${local.name}/rules/${each.key}"
  description = "A piece of a rule's settings, written by Terraform and read by ${local.remediator_name}."
  type        = "String"
  tier        = "Standard"
  value       = each.value
  tags        = var.link.tags
}

# What an operator sets by hand to stop enforcement at once: `all`, or rule ids separated by commas. Terraform creates
# it and leaves its value alone.
resource "aws_ssm_parameter" "pause" {
  # checkov:skip=CKV2_AWS_34: no secret, and an operator must be able to set it without a key
  name        = "/${local.name}/pause"
  description = "Stops enforcement in this region within seconds: none, all, or rule ids separated by commas."
  type        = "String"
  tier        = "Standard"
  value       = "none"
  tags        = var.link.tags

  lifecycle {
    ignore_changes = [value]
  }
}
