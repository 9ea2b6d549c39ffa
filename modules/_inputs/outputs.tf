output "clean" {
  description = "The inputs by name, without the mistakes."
  value       = local.clean

  precondition {
    condition     = !var.refuse || length(local.misspelled) + length(local.messages.structure) == 0
    error_message = "${length(local.misspelled) + length(local.messages.structure)} to correct:\n- ${join("\n- ", concat(local.misspelled, local.messages.structure))}"
  }

  # A separate precondition, because values may be unknown before an apply.
  precondition {
    condition     = !var.refuse || length(local.messages.kinds) == 0
    error_message = "${length(local.messages.kinds)} to correct:\n- ${join("\n- ", local.messages.kinds)}"
  }
}

output "structure" {
  description = "The mistakes that are known at every plan: misspelled attributes, and values that should be objects."
  value       = concat(local.misspelled, local.messages.structure)
}

output "kinds" {
  description = "Values of a wrong kind; unknown while any of the values is unknown."
  value       = local.messages.kinds
}

output "in_place" {
  description = "The text that replaces values of a wrong kind, so that callers do not report them again."
  value       = local.in_place
}
