# The inputs that are objects: checked, and typed.

module "inputs" {
  source = "../_inputs"

  of    = "target"
  given = { iam = var.iam }
}

module "typed" {
  source = "./typed"

  iam = module.inputs.clean.iam
}
