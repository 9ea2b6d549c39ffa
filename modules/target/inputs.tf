# Checks the object inputs, and applies their types and defaults.

module "inputs" {
  source = "../_inputs"

  of    = "target"
  given = { iam = var.iam }
}

module "typed" {
  source = "./typed"

  iam = module.inputs.clean.iam
}
