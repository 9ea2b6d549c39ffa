resource "aws_cloudformation_stack_set" "this" {
  name             = "${var.name}-target"
  description      = "The role with which ${var.name} fixes CSPM findings, in every account of the chosen organizational units."
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = local.template_body
  tags             = var.tags

  auto_deployment {
    enabled = var.auto_deployment
    # The remediators must no longer change an account that has left the units.
    retain_stacks_on_account_removal = var.auto_deployment ? false : null
  }

  # Operations on different stacks run in parallel; others are queued instead of failing.
  managed_execution {
    active = true
  }

  operation_preferences {
    failure_tolerance_percentage = module.typed.operation.failure_tolerance_percentage
    max_concurrent_percentage    = module.typed.operation.max_concurrent_percentage
  }

  timeouts {
    update = "3h"
  }

  lifecycle {
    # Service-managed StackSets have no administration role, but the provider reads one back.
    ignore_changes = [administration_role_arn]

    precondition {
      condition     = local.policy_characters.remediation <= 10240
      error_message = "The role's policy has ${local.policy_characters.remediation} characters; IAM allows 10240. Name fewer rules in `rules`."
    }

    precondition {
      condition     = local.policy_characters.automation <= 10240
      error_message = "The automation role's policy (permissions.automation of all enabled rules) has ${local.policy_characters.automation} characters; IAM allows 10240. Enable fewer rules with a runbook, or name more resources by one pattern."
    }

    precondition {
      condition     = length(local.template_body) <= 51200
      error_message = "The template has ${length(local.template_body)} bytes; CloudFormation allows 51200. Name fewer rules in `rules`."
    }
  }
}

# One instance per unit, so that adding or changing a unit does not affect the roles of others. IAM is global, so the stacks are
# only in the region of this module's provider.
resource "aws_cloudformation_stack_set_instance" "unit" {
  for_each = module.typed.organizational_units

  stack_set_name = aws_cloudformation_stack_set.this.name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = [coalesce(each.value.id, each.key)]
    account_filter_type     = length(each.value.accounts) > 0 ? "INTERSECTION" : length(each.value.excluded_accounts) > 0 ? "DIFFERENCE" : "NONE"
    accounts                = length(each.value.accounts) > 0 ? each.value.accounts : length(each.value.excluded_accounts) > 0 ? each.value.excluded_accounts : null
  }

  operation_preferences {
    # Otherwise, the number of accounts in parallel would be limited to the number that may fail.
    concurrency_mode             = "SOFT_FAILURE_TOLERANCE"
    failure_tolerance_percentage = module.typed.operation.failure_tolerance_percentage
    max_concurrent_percentage    = module.typed.operation.max_concurrent_percentage
  }

  timeouts {
    create = "3h"
    update = "3h"
    delete = "3h"
  }

  lifecycle {
    # The provider cannot change these: it would send the unit as an account, which AWS refuses.
    ignore_changes = [operation_preferences]
  }
}
