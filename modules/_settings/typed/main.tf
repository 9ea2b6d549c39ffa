locals {
  outcomes             = jsondecode(file("${path.module}/../../catalog.json")).outcomes
  outcomes_with_reason = sort([for name, outcome in local.outcomes : name if outcome.reason_is_due])
  outcomes_with_alarm  = sort([for name, outcome in local.outcomes : name if outcome.needs_person])
}
