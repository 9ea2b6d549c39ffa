# Gives inputs their types and defaults. Terraform silently ignores misspelled attributes here; ../../_inputs finds them first.
