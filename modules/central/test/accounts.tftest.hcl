# The accounts in which a rule is on. The remediators read these settings unchanged, and decide (lambdas/model/account-modes.ts).

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
      s3-bucket-public = {
        mode              = "enforce"
        mode_by_account   = { "222222222222" = "dry_run", "444444444444" = "enforce" }
        accounts          = ["111111111111", "222222222222", "444444444444"]
        excluded_accounts = ["555555555555"]
      }
      security-group-ssh-open = { mode = "dry_run" }
      # Not even requested.
      iam-access-key-unrotated = { mode = "off", mode_by_account = { "444444444444" = "off" } }
    }
  }

  assert {
    condition = jsondecode(output.settings.accounts) == {
      version           = 2
      groups            = {}
      accounts          = ["111111111111", "222222222222", "333333333333"]
      excluded_accounts = ["333333333333"]
      excluded_groups   = []
      mode_by_account   = {}
      mode_by_group     = {}
    }
    error_message = "Accounts: ${output.settings.accounts}"
  }

  assert {
    condition = alltrue([
      jsondecode(output.settings.rules["s3-bucket-public"]).mode_by_account == { "222222222222" = "dry_run", "444444444444" = "enforce" },
      jsondecode(output.settings.rules["s3-bucket-public"]).accounts == ["111111111111", "222222222222", "444444444444"],
      jsondecode(output.settings.rules["s3-bucket-public"]).excluded_accounts == ["555555555555"],
    ])
    error_message = "Settings: ${output.settings.rules["s3-bucket-public"]}"
  }

  assert {
    condition     = toset(keys(aws_scheduler_schedule.rule)) == toset(["s3-bucket-public", "security-group-ssh-open"])
    error_message = "A rule that is off for all accounts must not be polled."
  }
}

run "remediators_are_limited_to_named_accounts" {
  command = plan

  variables {
    excluded_accounts = ["333333333333"]
    rules = {
      s3-bucket-public        = { accounts = ["222222222222"], excluded_accounts = ["555555555555"] }
      security-group-ssh-open = { mode = "off", mode_by_account = { "111111111111" = "enforce" }, mode_by_group = { web = "dry_run" } }
    }
    account_groups = { web = ["777777777777"], sandbox = ["888888888888"] }
  }

  assert {
    condition     = output.link.accounts == tolist(["111111111111", "222222222222", "555555555555", "777777777777"])
    error_message = "Accounts: ${jsonencode(output.link.accounts)}"
  }
}

run "any_account_if_a_rule_is_on_for_all" {
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

# Changes in progress are followed to their end in every account.
run "any_account_if_all_rules_are_off" {
  command = plan

  variables {
    rules = { s3-bucket-public = { mode = "off" } }
  }

  assert {
    condition     = output.link.accounts == null
    error_message = "Accounts: ${jsonencode(output.link.accounts)}"
  }
}
