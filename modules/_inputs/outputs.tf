output "clean" {
  description = "The inputs by name without what is mistaken."
  value       = local.clean

  precondition {
    condition     = !var.refuse || length(local.misspelled) + length(local.messages.structure) == 0
    error_message = "${length(local.misspelled) + length(local.messages.structure)} to correct:\n- ${join("\n- ", concat(local.misspelled, local.messages.structure))}"
  }

  # Apart, because values may not be known before an apply.
  precondition {
    condition     = !var.refuse || length(local.messages.kinds) == 0
    error_message = "${length(local.messages.kinds)} to correct:\n- ${join("\n- ", local.messages.kinds)}"
  }
}

output "structure" {
  description = "The mistakes that are known at every plan: misspelled words, and what is in place of an object."
  value       = concat(local.misspelled, local.messages.structure)
}

output "kinds" {
  description = "Values of a wrong kind; not known while one of the values is not."
  value       = local.messages.kinds
}

output "in_place" {
  description = "The text in place of what is of a wrong kind: what is said of it has been said."
  value       = local.in_place
}
