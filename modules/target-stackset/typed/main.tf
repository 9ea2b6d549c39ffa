# Gives inputs their types and defaults. Terraform drops misspelled words here: ../../_inputs finds them before.
