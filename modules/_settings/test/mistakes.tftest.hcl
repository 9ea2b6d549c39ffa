# Every mistake is named, all of them at once.

variables {
  rules              = {}
  accounts           = []
  excluded_accounts  = []
  account_groups     = { production = ["111111111111"] }
  excluded_groups    = []
  mode_by_account    = {}
  mode_by_group      = {}
  new_accounts       = null
  events             = "changed"
  schedule           = { expression = "rate(1 hour)", time_zone = "UTC" }
  partition          = "aws"
  regions            = ["eu-central-1"]
  home_region        = "eu-central-1"
  encryption         = {}
  delivery_role_name = "cspm-flow-logs"
}

run "none" {
  command = plan

  variables {
    rules = {
      s3-bucket-public = null
      network-acl-default-allows-all = {
        options = { replacement_cidrs = ["vpc", "10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "64:ff9b::/96", "0064:ff9b:1::/48"] }
      }
      network-acl-subnet-allows-all = { options = { replacement_cidrs = [] } }
      CIS-1-2-0-4-1 = {
        mode                = "enforce"
        mode_by_account     = { "111111111111" = "off" }
        mode_by_group       = { production = "dry_run" }
        method              = "runbook"
        runbook_then        = "report"
        accounts            = ["111111111111"]
        excluded_accounts   = ["222222222222"]
        excluded_groups     = ["production"]
        schedule_expression = "cron(0 6 * * ? *)"
        netskope_rule_names = ["ours"]
        maintenance_window  = { days = ["SAT"], start = "22:00", end = "04:30" }
        options             = { all_traffic = "revoke" }
        exemptions          = [{ group = "production", resource = "sg-*", reason = "bastion", owner = "network team", expires = "2099-02-28" }]
      }
    }
  }

  assert {
    condition     = length(local.mistakes) == 0 && length(output.rules) == 4 && contains(keys(output.rules), "security-group-ssh-open")
    error_message = jsonencode(local.mistakes)
  }
}

run "misspelt_words" {
  command = plan

  variables {
    regions      = ["eu-central-1", "us-east-1"]
    schedule     = { maintenance_windw = { start = "22:00", end = "04:00" }, maintenance_window = { start = "22:00", end = "04:00", day = ["SAT"] } }
    new_accounts = { day = 30, joined = {} }
    encryption = {
      eu-central-1 = { tokn = "arn:aws:kms:eu-central-1:111111111111:key/k", all = "alias/all", topic = "arn:aws:kms:us-east-1:111111111111:key/k" }
      us-east-1    = { table = "arn:aws:kms:us-east-1:111111111111:key/k", queues = null, logs = "arn:aws:kms:us-east-1:111111111111:key/mrk-1" }
      mars         = {}
    }
    rules = {
      s3-bucket-public = {
        maintenance_windw = { start = "22:00", end = "04:00" }
        exemption         = []
        options           = { block_al = true, max_age_days = 90 }
      }
      iam-access-key-unrotated = { options = { max_age_day = 30 } }
      security-group-ssh-open = {
        schedule           = "rate(1 day)"
        maintenance_window = { start = "22:00", end = "04:00", stop = "04:00" }
        exemptions         = [{ resource = "x", reason = "r", owner = "o", expires = "2099-01-31" }, { resource = "x", reason = "r", owner = "o", expires = "2099-01-31", regions = "*" }]
      }
    }
  }

  expect_failures = [output.rules]

  assert {
    condition = local.encryption_mistakes == [
      "encryption[\"eu-central-1\"] has \"tokn\", which is unknown: expected all, buckets, evidence, logs, queues, table, token, topic",
      "encryption[\"eu-central-1\"].all is \"alias/all\": expected the ARN of a key of that region, such as arn:aws:kms:eu-central-1:111111111111:key/…",
      "encryption[\"eu-central-1\"].topic is \"arn:aws:kms:us-east-1:111111111111:key/k\": expected the ARN of a key of that region, such as arn:aws:kms:eu-central-1:111111111111:key/…",
      "encryption has the region \"mars\": expected one of eu-central-1, us-east-1",
      "encryption[\"us-east-1\"].table has no effect: expected it in the home region, eu-central-1",
    ]
    error_message = join("\n", local.encryption_mistakes)
  }

  assert {
    condition = toset([for mistake in setsubtract(local.mistakes, local.encryption_mistakes) : regex("^(.* has \"\\w+\"), which is unknown: expected ", mistake)[0]]) == toset([
      "schedule has \"maintenance_windw\"",
      "schedule.maintenance_window has \"day\"",
      "new_accounts has \"day\"",
      "rules[\"s3-bucket-public\"] has \"maintenance_windw\"",
      "rules[\"s3-bucket-public\"] has \"exemption\"",
      "rules[\"s3-bucket-public\"].options has \"block_al\"",
      "rules[\"s3-bucket-public\"].options has \"max_age_days\"",
      "rules[\"iam-access-key-unrotated\"].options has \"max_age_day\"",
      "rules[\"security-group-ssh-open\"] has \"schedule\"",
      "rules[\"security-group-ssh-open\"].maintenance_window has \"stop\"",
      "rules[\"security-group-ssh-open\"].exemptions[1] has \"regions\"",
    ])
    error_message = join("\n", local.mistakes)
  }
}

run "of_every_kind_at_once" {
  command = plan

  variables {
    account_groups    = { Production = ["1111"], web = [] }
    accounts          = ["1111"]
    excluded_accounts = ["production"]
    excluded_groups   = ["sandbox"]
    mode_by_account   = { "2222" = "on" }
    mode_by_group     = { prod = "dry_run" }
    schedule          = { expression = "every hour", time_zone = "UTC+01:00", flexible_window_minutes = 1441, maintenance_window = { days = [], start = "23:00", end = "25:00" } }
    new_accounts      = { mode = "dry-run", days = 1.5, joined = { "222222222222" = "yesterday" } }
    rules = {
      ssh-open         = {}
      s3-bucket-public = { mode = "enforced", mode_by_account = { "2222" = "on" }, method = "runbook", netskope_rule_names = [" "] }
      BPR-1-0-0        = { runbook_then = "retry", accounts = ["1111"], excluded_accounts = ["x"] }
      rds-snapshot-public = {
        schedule_expression = "rate(0 hours)"
        excluded_groups     = ["sandbox"]
        maintenance_window  = { days = ["SATURDAY"], start = "22:00", end = "4:00" }
        exemptions = [
          { resource = "x", expires = "2099-02-30" },
          { account = "2222", region = "EU(Frankfurt)", resource = "", reason = "r", owner = "o", expires = "2099-01-31" },
          { account = "111111111111", group = "web", reason = "r", owner = "o", expires = "2099-01-31" },
        ]
      }
      iam-access-key-unrotated       = { options = { max_age_days = 400, unused_only_days = 1.5 } }
      security-group-ssh-open        = { options = { all_traffic = "keep" }, method = "automation" }
      vpc-flow-logs-disabled         = { options = { destination = "my-bucket" } }
      network-acl-default-allows-all = { options = { replacement_cidrs = ["vpc", "10.0.0.1", "0.0.0.0/0", "VPC", "10.0.0.0/33", "010.0.0.0/8"] } }
    }
  }

  expect_failures = [output.rules, check.exemptions_name_regions]

  assert {
    condition     = length(local.mistakes) == 45
    error_message = "${length(local.mistakes)}: ${join("\n", local.mistakes)}"
  }

  assert {
    condition     = alltrue([for mistake in local.mistakes : length(mistake) <= 300])
    error_message = join("\n", [for mistake in local.mistakes : mistake if length(mistake) > 300])
  }

  assert {
    condition = alltrue([
      for fragment in [
        "rules[\"ssh-open\"] is unknown", "rules[\"s3-bucket-public\"].mode is \"enforced\"", "two names of the same rule",
        "rules[\"s3-bucket-public\"].method is \"runbook\"", ".runbook_then is \"retry\"", "names the account \"1111\"", "names the account \"x\"",
        ".schedule_expression is \"rate(0 hours)\"", "names the group \"sandbox\"", ".maintenance_window is {", "has no reason", "has no owner",
        "has expires \"2099-02-30\"", "has the account \"2222\"", "has the region \"EU(Frankfurt)\"", "has an empty resource", "has an account and a group",
        ".options.max_age_days is 400", ".options.unused_only_days is 1.5", ".options.all_traffic is \"keep\"", ".method is \"automation\"",
        ".options.destination is \"my-bucket\"", "has \"10.0.0.1\"", "has \"0.0.0.0/0\"", "has \"VPC\"", "has \"10.0.0.0/33\"", "has \"010.0.0.0/8\"",
        "account_groups has the group \"Production\"", "account_groups[\"Production\"] has the account \"1111\"", "excluded_accounts has the account \"production\"",
        "mode_by_account has 2222 = \"on\"", "mode_by_group names the group \"prod\"", "new_accounts has mode = \"dry-run\"", "new_accounts.days is 1.5", "new_accounts.joined has", "schedule.expression is \"every hour\"", "schedule.time_zone is \"UTC+01:00\"", "schedule.flexible_window_minutes is 1441", "schedule.maintenance_window is {\"days\":[]",
      ] : anytrue([for mistake in local.mistakes : strcontains(mistake, fragment)])
    ])
    error_message = join("\n", local.mistakes)
  }
}

run "runbook_that_this_partition_does_not_have" {
  command = plan

  variables {
    partition = "aws-cn"
    rules     = { security-group-ssh-open = { method = "runbook" } }
  }

  expect_failures = [output.rules]
}

# No errors, but words in the plan.
run "of_no_effect" {
  command = plan

  variables {
    schedule = { expression = "rate(7 hours)", time_zone = "UTC", maintenance_window = { days = ["SAT"], start = "22:00", end = "04:30" } }
    rules = {
      s3-bucket-public = { runbook_then = "report", exemptions = [
        { resource = "x", reason = "website", owner = "me", expires = "2020-01-31" },
        { region = "us-east-1", reason = "website", owner = "me", expires = "2099-01-31" },
      ] }
      iam-access-key-unrotated = { options = { max_age_days = 30 } }
    }
  }

  expect_failures = [check.exemptions_count, check.exemptions_name_regions, check.maintenance_windows_are_polled, check.options_have_an_effect]

  assert {
    condition = local.vain_options == [
      "rules[\"iam-access-key-unrotated\"].options.max_age_days is 30, and Netskope reports from 90 on: a lower value finds nothing more",
      "rules[\"s3-bucket-public\"].runbook_then is \"report\", and the rule's method is \"api\"",
    ]
    error_message = join("\n", local.vain_options)
  }
}
