# Which accounts a rule is on for: what the remediators read is modes alone.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
}

run "named_and_excluded_accounts" {
  command = plan

  variables {
    accounts          = ["111111111111", "222222222222", "333333333333"]
    excluded_accounts = ["333333333333"]
    rules = {
      # Of the overall accounts, those that the rule names, each in its mode; 444444444444 is none of the overall ones.
      s3-bucket-public = {
        mode              = "enforce"
        mode_by_account   = { "222222222222" = "dry_run", "444444444444" = "enforce" }
        accounts          = ["111111111111", "222222222222", "444444444444"]
        excluded_accounts = ["555555555555"]
      }
      # All of the overall accounts.
      security-group-ssh-open = { mode = "dry_run" }
      # None of them: not even asked for.
      iam-access-key-unrotated = { mode = "enforce", accounts = ["444444444444"] }
    }
  }

  assert {
    condition = { for rule, settings in output.settings : rule => [jsondecode(settings).mode, jsondecode(settings).mode_by_account] } == {
      s3-bucket-public         = ["off", { "111111111111" = "enforce", "222222222222" = "dry_run", "333333333333" = "off", "555555555555" = "off" }]
      security-group-ssh-open  = ["off", { "111111111111" = "dry_run", "222222222222" = "dry_run", "333333333333" = "off" }]
      iam-access-key-unrotated = ["off", { "333333333333" = "off" }]
    }
    error_message = "Settings: ${jsonencode(output.settings)}"
  }

  assert {
    condition     = toset(keys(aws_scheduler_schedule.rule)) == toset(["s3-bucket-public", "security-group-ssh-open"])
    error_message = "A rule that is off for all accounts must not be polled."
  }
}

run "the_remediators_may_work_in_named_accounts_alone" {
  command = plan

  variables {
    excluded_accounts = ["333333333333"]
    rules = {
      s3-bucket-public        = { accounts = ["222222222222"], excluded_accounts = ["555555555555"] }
      security-group-ssh-open = { mode = "off", mode_by_account = { "111111111111" = "enforce" } }
    }
  }

  assert {
    condition     = output.link.accounts == tolist(["111111111111", "222222222222", "555555555555"])
    error_message = "Accounts: ${jsonencode(output.link.accounts)}"
  }
}

run "any_account_where_a_rule_is_on_for_all" {
  command = plan

  variables {
    rules = {
      s3-bucket-public        = { accounts = ["222222222222"] }
      security-group-ssh-open = {}
    }
  }

  assert {
    condition     = output.link.accounts == null
    error_message = "Accounts: ${jsonencode(output.link.accounts)}"
  }
}

# What was begun is followed to its end, in whichever account.
run "any_account_where_all_rules_are_off" {
  command = plan

  variables {
    rules = { s3-bucket-public = { mode = "off" } }
  }

  assert {
    condition     = output.link.accounts == null
    error_message = "Accounts: ${jsonencode(output.link.accounts)}"
  }
}

run "excluded_accounts_alone" {
  command = plan

  assert {
    condition     = output.link.accounts == null
    error_message = "Accounts: ${jsonencode(output.link.accounts)}"
  }

  variables {
    rules = {
      s3-bucket-public = { mode = "enforce", mode_by_account = { "222222222222" = "enforce" }, excluded_accounts = ["222222222222"] }
    }
  }

  assert {
    condition     = jsondecode(output.settings["s3-bucket-public"]).mode == "enforce" && jsondecode(output.settings["s3-bucket-public"]).mode_by_account == { "222222222222" = "off" }
    error_message = "An excluded account is off, whatever else is said of it: ${output.settings["s3-bucket-public"]}"
  }
}

run "malformed_accounts" {
  command = plan

  variables {
    accounts          = ["1111"]
    excluded_accounts = ["production"]
    rules             = { s3-bucket-public = { accounts = ["1111"] } }
  }

  expect_failures = [var.accounts, var.excluded_accounts, var.rules]
}

run "malformed_excluded_account" {
  command = plan

  variables {
    rules = { s3-bucket-public = { excluded_accounts = ["1111"] } }
  }

  expect_failures = [var.rules]
}
