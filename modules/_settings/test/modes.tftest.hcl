# The same cases as in test/unit/model/account-modes.test.ts: a plan must show the modes that the remediators compute.

variables {
  rules             = {}
  accounts          = []
  excluded_accounts = []
  account_groups    = { production = ["111111111111"], web = ["111111111111", "222222222222"], sandbox = ["222222222222"] }
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

run "modes_of_a_rule" {
  command = plan

  variables {
    rules = {
      s3-bucket-public        = { mode = "off", mode_by_account = { "111111111111" = "enforce" }, mode_by_group = { production = "dry_run" } }
      security-group-ssh-open = { mode = "off", mode_by_group = { production = "enforce", web = "dry_run" } }
      rds-snapshot-public     = { mode = "enforce" }
    }
  }

  assert {
    condition = output.modes_by_account == {
      "111111111111" = "dry_run: security-group-ssh-open; enforce: rds-snapshot-public, s3-bucket-public"
      "222222222222" = "off: s3-bucket-public; dry_run: security-group-ssh-open; enforce: rds-snapshot-public"
    }
    error_message = jsonencode(output.modes_by_account)
  }
}

run "modes_for_all_rules_are_ceilings" {
  command = plan

  variables {
    mode_by_account = { "222222222222" = "enforce" }
    mode_by_group   = { web = "dry_run" }
    rules           = { s3-bucket-public = { mode = "enforce" }, rds-snapshot-public = { mode = "off" } }
  }

  assert {
    condition = output.modes_by_account == {
      "111111111111" = "off: rds-snapshot-public; dry_run: s3-bucket-public"
      "222222222222" = "off: rds-snapshot-public; enforce: s3-bucket-public"
    }
    error_message = jsonencode(output.modes_by_account)
  }
}

run "excluded_and_unlisted_accounts" {
  command = plan

  variables {
    accounts          = ["111111111111", "222222222222", "444444444444"]
    excluded_accounts = ["444444444444"]
    excluded_groups   = ["sandbox"]
    rules = {
      s3-bucket-public    = { mode = "enforce", mode_by_account = { "333333333333" = "enforce" } }
      rds-snapshot-public = { mode = "enforce", excluded_groups = ["production"] }
    }
  }

  assert {
    condition = output.modes_by_account == {
      "111111111111" = "off: rds-snapshot-public; enforce: s3-bucket-public"
      "222222222222" = "off"
      "333333333333" = "off"
      "444444444444" = "off"
    }
    error_message = jsonencode(output.modes_by_account)
  }

  assert {
    condition = jsondecode(output.account_settings) == {
      version           = 2
      groups            = { production = ["111111111111"], web = ["111111111111", "222222222222"], sandbox = ["222222222222"] }
      accounts          = ["111111111111", "222222222222", "444444444444"]
      excluded_accounts = ["444444444444"]
      excluded_groups   = ["sandbox"]
      mode_by_account   = {}
      mode_by_group     = {}
    }
    error_message = output.account_settings
  }
}

run "every_outcome_as_an_event" {
  command = plan

  variables {
    events = "all"
  }

  assert {
    condition     = jsondecode(output.account_settings).events == "all"
    error_message = output.account_settings
  }
}

run "new_accounts_by_joining_time" {
  command = plan

  variables {
    rules        = { s3-bucket-public = { mode = "enforce" } }
    new_accounts = { mode = "dry_run", days = 14, joined = { "222222222222" = "2026-06-01T08:30:00Z", "333333333333" = "2126-06-01T08:30:00Z" } }
  }

  assert {
    condition = output.modes_by_account == {
      "111111111111" = "enforce"
      "222222222222" = "enforce"
      "333333333333" = "at most dry_run until 2126-06-15T08:30:00Z, then enforce"
    }
    error_message = jsonencode(output.modes_by_account)
  }

  assert {
    condition     = jsondecode(output.account_settings).new_accounts == { mode = "dry_run", until = { "222222222222" = "2026-06-15T08:30:00Z", "333333333333" = "2126-06-15T08:30:00Z" } }
    error_message = output.account_settings
  }
}

run "rules_that_are_on_in_any_account_are_polled" {
  command = plan

  variables {
    rules = {
      s3-bucket-public        = { mode = "off", mode_by_group = { web = "dry_run" } }
      rds-snapshot-public     = { mode = "off", mode_by_account = { "111111111111" = "off" } }
      security-group-ssh-open = {}
    }
  }

  assert {
    condition     = output.polled == toset(["s3-bucket-public", "security-group-ssh-open"])
    error_message = jsonencode(output.polled)
  }
}
