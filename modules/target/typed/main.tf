# Gives inputs their types and defaults. Terraform drops misspelt words here: ../../_inputs finds them before.
