# Gives `custom_rules` its type and defaults. Terraform silently ignores misspelled attributes
# here; ../../_inputs finds them in the original values.
