variables {
  accounts          = []
  excluded_accounts = []
  account_groups    = {}
  excluded_groups   = []
  mode_by_account   = {}
  mode_by_group     = {}
  new_accounts      = null
  events            = "changed"
  schedule          = { expression = "rate(1 hour)", time_zone = "UTC" }
  partition         = "aws"
  regions           = ["eu-central-1"]
  home_region       = "eu-central-1"
  encryption        = {}
  name              = "cspm"
}

run "settings_contain_definitions" {
  command = plan

  variables {
    rules = {
      rds-instance-public     = { mode = "enforce" }
      acme                    = {}
      security-group-ssh-open = {}
    }
    custom_rules = {
      acme   = { netskope_rule_names = ["ACME"], runbook = { document = "Acme" } }
      unused = { netskope_rule_names = ["Unused"], runbook = { document = "Acme" } }
    }
  }

  assert {
    condition = (
      jsondecode(output.rule_settings["rds-instance-public"]).definition.desired_state.resource_type == "AWS::RDS::DBInstance" &&
      jsondecode(output.rule_settings["acme"]).definition.runbook.document == "Acme" &&
      jsondecode(output.rule_settings["acme"]).method == "runbook" &&
      !can(jsondecode(output.rule_settings["security-group-ssh-open"]).definition)
    )
    error_message = jsonencode(output.rule_settings)
  }
  assert {
    condition     = join(" ", keys(output.rule_settings)) == "acme rds-instance-public security-group-ssh-open"
    error_message = "A rule that `rules` does not name is not enabled: ${join(", ", keys(output.rule_settings))}"
  }
  assert {
    condition     = join(" ", jsondecode(output.account_settings).declared_rules) == "acme rds-instance-public"
    error_message = output.account_settings
  }
}

run "mistakes_are_reported_with_all_others" {
  command = plan

  variables {
    rules        = { acme = { mode = "always", netskope_rule_names = ["Taken"] } }
    custom_rules = { acme = { netskope_rule_names = [] }, other = { netskope_rule_names = ["Taken"], runbook = { document = "{{x}}" } } }
  }

  expect_failures = [output.rules]

  assert {
    condition = length([for mistake in local.mistakes : mistake if anytrue([for text in [
      "custom_rules[\"acme\"] has neither desired_state nor runbook",
      "rules[\"acme\"].mode is \"always\"",
      "which acme and other claim",
      "placeholder {{x}}",
    ] : strcontains(mistake, text)])]) == 4
    error_message = join("\n", local.mistakes)
  }
}
