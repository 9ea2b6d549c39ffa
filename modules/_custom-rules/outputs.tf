output "catalog" {
  description = "Library rules and custom rules by id, in the catalog's format."
  value       = local.catalog

  precondition {
    condition     = !var.refuse || length(module.inputs.structure) + length(module.inputs.kinds) + length(local.mistakes) == 0
    error_message = "${length(module.inputs.structure) + length(module.inputs.kinds) + length(local.mistakes)} to correct:\n- ${join("\n- ", concat(module.inputs.structure, module.inputs.kinds, local.mistakes))}"
  }
}

output "own" {
  description = "The ids of the custom rules."
  value       = toset(keys(local.declared))
}

output "structure" {
  description = "The mistakes that are known at every plan: misspelled attributes, and values that should be objects."
  value       = module.inputs.structure
}

output "mistakes" {
  description = "All other mistakes."
  value       = concat(module.inputs.kinds, local.mistakes)
}
