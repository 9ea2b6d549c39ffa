# Checks the object inputs, and applies their types and defaults.

module "inputs" {
  source = "../_inputs"

  of    = "per-region"
  given = { remediator = var.remediator, queue = var.queue, alarms = var.alarms }
}

module "typed" {
  source = "./typed"

  remediator          = module.inputs.clean.remediator
  queue               = module.inputs.clean.queue
  alarms              = module.inputs.clean.alarms
  region              = local.region
  home_region         = var.link.home_region
  partition           = var.link.partition
  notifications       = var.link.notifications
  delayed_concurrency = local.delayed_concurrency
}
