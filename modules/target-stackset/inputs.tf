# Checks the object inputs, and applies their types and defaults.

module "inputs" {
  source = "../_inputs"

  of    = "target-stackset"
  given = { organizational_units = var.organizational_units, operation = var.operation, iam = var.iam }
}

module "typed" {
  source = "./typed"

  organizational_units = module.inputs.clean.organizational_units
  operation            = module.inputs.clean.operation
  iam                  = module.inputs.clean.iam
}
