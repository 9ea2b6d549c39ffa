# Operators set this parameter to stop enforcement immediately: `all`, `all+undo`, rule ids, or `account:` with an account id,
# separated by commas. Terraform creates it and ignores changes of its value.
resource "aws_ssm_parameter" "pause" {
  # checkov:skip=CKV2_AWS_34: it contains no secrets, and an operator must be able to set it without a key
  name        = "/${local.name}/pause"
  description = "Stops enforcement in this region within seconds: none, or all, all+undo, rule ids, account:ID, separated by commas."
  type        = "String"
  tier        = "Standard"
  value       = "none"
  tags        = var.link.tags

  lifecycle {
    ignore_changes = [value]
  }
}
