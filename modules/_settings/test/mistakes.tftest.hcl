# All mistakes are reported at once.

variables {
  rules             = {}
  accounts          = []
  excluded_accounts = []
  account_groups    = { production = ["111111111111"] }
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
      cloudtrail-log-file-validation = {
        exemptions = [{ resource = "arn:aws:cloudtrail:*:111111111111:trail/all", reason = "moves soon", owner = "me", expires = "2099-02-28" }]
      }
    }
  }

  assert {
    condition     = length(local.mistakes) == 0 && length(output.rules) == 5 && contains(keys(output.rules), "security-group-ssh-open")
    error_message = jsonencode(local.mistakes)
  }
}

run "misspelled_attributes" {
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
        exemptions         = [{ reason = "r", owner = "o", expires = "2099-01-31" }, { reason = "r", owner = "o", expires = "2099-01-31", regions = "*" }]
      }
    }
  }

  expect_failures = [output.rules]

  assert {
    condition = local.encryption_mistakes == [
      "encryption[\"eu-central-1\"].all is \"alias/all\": expected the ARN of a key of that region, such as arn:aws:kms:eu-central-1:111111111111:key/…",
      "encryption[\"eu-central-1\"].topic is \"arn:aws:kms:us-east-1:111111111111:key/k\": expected the ARN of a key of that region, such as arn:aws:kms:eu-central-1:111111111111:key/…",
      "encryption has the region \"mars\": expected one of eu-central-1, us-east-1",
      "encryption[\"us-east-1\"].table has no effect: expected it in the home region, eu-central-1",
    ]
    error_message = join("\n", local.encryption_mistakes)
  }

  assert {
    condition = toset([for mistake in setsubtract(local.mistakes, local.encryption_mistakes) : regex("^(.* has \"\\w+\"), which is (?:unknown|an option of other rules): expected ", mistake)[0]]) == toset([
      "encryption[\"eu-central-1\"] has \"tokn\"",
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

# Terraform itself would stop at the first of these, and would not name the input.
run "values_of_a_wrong_kind" {
  command = plan

  variables {
    schedule     = "rate(1 hour)"
    new_accounts = { days = [14] }
    encryption   = { eu-central-1 = "arn:aws:kms:eu-central-1:111111111111:key/k" }
    deployment = {
      iam              = { path = {}, permissions_boundary_arn = ["arn:aws:iam::111111111111:policy/b"] }
      lambda           = { tracing = "perhaps" }
      evidence         = { transitions = { days = 30 }, object_lock = 30, policy_statements = "all" }
      notifications    = true
      audit_trail      = "logs"
      event_bus        = null
      api_token_secret = { version = "two" }
    }
    rules = {
      s3-bucket-public        = "enforce"
      x                       = null
      rds-snapshot-public     = { mode = ["enforce"], maintenance_window = "nights", accounts = 111111111111, mode_by_account = "off", exemptions = {}, modus = "off" }
      security-group-ssh-open = { accounts = [null, "111111111111"], excluded_accounts = [["222222222222"]], mode_by_group = { production = null }, options = [] }
      security-group-rdp-open = { mode = null, accounts = null, exemptions = null, options = null, maintenance_window = null, mode_by_account = null }
      redshift-cluster-public = { exemptions = ["all", { resource = "x", reason = ["r"], owner = "o", expires = "2099-01-31" }] }
      vpc-flow-logs-disabled  = { mode = "enforced", options = { retention_days = "a week" } }
    }
  }

  expect_failures = [output.rules]

  assert {
    condition = local.mistakes == [
      "rules[\"rds-snapshot-public\"] has \"modus\", which is unknown: expected mode or mode_by_account or mode_by_group or accounts, breaker, excluded_accounts, excluded_groups, exemptions, limits, maintenance_window, method, netskope_rule_names, options, runbook_then, schedule_expression",
      "audit_trail is \"logs\", a string: expected an object",
      "encryption[\"eu-central-1\"] is \"arn:aws:kms:eu-central-1:111111111111:key/k\", a string: expected an object",
      "notifications is true: expected an object",
      "rules[\"s3-bucket-public\"] is \"enforce\", a string: expected an object",
      "schedule is \"rate(1 hour)\", a string: expected an object",
      "evidence.object_lock is 30, a number: expected an object",
      "rules[\"rds-snapshot-public\"].maintenance_window is \"nights\", a string: expected an object",
      "rules[\"redshift-cluster-public\"].exemptions[0] is \"all\", a string: expected an object",
      "rules[\"security-group-ssh-open\"].options is a list: expected an object",
      "api_token_secret.version is \"two\", a string: expected a number",
      "evidence.policy_statements is \"all\", a string: expected a list",
      "evidence.transitions is an object: expected a list of objects",
      "iam.path is an object: expected a string",
      "iam.permissions_boundary_arn is a list: expected a string",
      "lambda.tracing is \"perhaps\", a string: expected true or false",
      "new_accounts.days is a list: expected a number",
      "rules[\"rds-snapshot-public\"].accounts is 111111111111, a number: expected a list of strings",
      "rules[\"rds-snapshot-public\"].exemptions is an object: expected a list of objects",
      "rules[\"rds-snapshot-public\"].mode is a list: expected a string",
      "rules[\"rds-snapshot-public\"].mode_by_account is \"off\", a string: expected a map of strings",
      "rules[\"redshift-cluster-public\"].exemptions[1].reason is a list: expected a string",
      "rules[\"vpc-flow-logs-disabled\"].options.retention_days is \"a week\", a string: expected a number",
      "rules[\"security-group-ssh-open\"].accounts[0] is null: expected a string",
      "rules[\"security-group-ssh-open\"].excluded_accounts[0] is a list: expected a string",
      "rules[\"security-group-ssh-open\"].mode_by_group[production] is null: expected a string",
      "rules[\"vpc-flow-logs-disabled\"].mode is \"enforced\": expected off, dry_run, enforce",
      "rules[\"x\"] is unknown: expected an id or legacy id of docs/rules.md, such as cloudtrail-log-file-validation, dynamodb-table-recovery, ebs-default-encryption, ec2-subnet-public-ip",
      "new_accounts has no joined: expected account ids, each with the time at which it joined",
    ]
    error_message = join("\n", local.mistakes)
  }
}

run "every_kind_of_mistake_at_once" {
  command = plan

  variables {
    account_groups    = { Production = ["1111"], web = [] }
    accounts          = ["1111"]
    excluded_accounts = ["production"]
    excluded_groups   = ["sandbox"]
    mode_by_account   = { "2222" = "on" }
    mode_by_group     = { prod = "dry_run" }
    schedule          = { expression = "every hour", time_zone = "UTC+01:00", flexible_window_minutes = 1441, maintenance_window = { days = [], start = "23:00", end = "25:00" } }
    deployment        = { iam = { path = "security", target_role_path = "/security" } }
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
          { resource = "arn:aws:rds:eu-central-1:111111111111:db:*", reason = "r", owner = "o", expires = "2099-01-31" },
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
    condition     = length(local.mistakes) == 48
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
        "has expires \"2099-02-30\"", "has the account \"2222\"", "has the region \"EU(Frankfurt)\"", "has an empty resource", "has an account and a group", "(arn:aws:rds:eu-central-1:111111111111:db:*) names an ARN: expected",
        ".options.max_age_days is 400", ".options.unused_only_days is 1.5", ".options.all_traffic is \"keep\"", ".method is \"automation\"",
        ".options.destination is \"my-bucket\"", "has \"10.0.0.1\"", "has \"0.0.0.0/0\"", "has \"VPC\"", "has \"10.0.0.0/33\"", "has \"010.0.0.0/8\"",
        "account_groups has the group \"Production\"", "account_groups[\"Production\"] has the account \"1111\"", "excluded_accounts has the account \"production\"",
        "mode_by_account has 2222 = \"on\"", "mode_by_group names the group \"prod\"", "new_accounts has mode = \"dry-run\"", "iam.path is \"security\"", "iam.target_role_path is \"/security\"", "new_accounts.days is 1.5", "new_accounts.joined has", "schedule.expression is \"every hour\"", "schedule.time_zone is \"UTC+01:00\"", "schedule.flexible_window_minutes is 1441", "schedule.maintenance_window is {\"days\":[]",
      ] : anytrue([for mistake in local.mistakes : strcontains(mistake, fragment)])
    ])
    error_message = join("\n", local.mistakes)
  }
}

# Regardless of the length of a value and the number of groups.
run "with_long_values" {
  command = plan

  variables {
    account_groups  = { for number in range(40) : "business-unit-${number}-production" => [] }
    excluded_groups = ["g${join("", [for _ in range(400) : "x"])}", "production"]
    regions         = [for number in range(40) : "eu-central-${number}"]
    encryption      = { mars = {} }
    schedule        = { expression = "rate(1 hour)", maintenance_window = { start = "22:00" } }
    rules = {
      "public-${join("", [for _ in range(400) : "x"])}" = { mode = join("", [for _ in range(400) : "y"]), modus = "off" }
      s3-bucket-public                                  = { excluded_groups = ["production"], maintenance_window = {}, exemption = [] }
      vpc-flow-logs-disabled = {
        options = { destination = "my-bucket", kms_key_arn = "alias/logs", log_group_name = "logs of ours", delivery_role_name = "acme", retention_days = 8, max_aggregation_interval = 61 }
      }
    }
  }

  expect_failures = [output.rules]

  assert {
    condition     = alltrue([for mistake in local.mistakes : length(mistake) <= 300 && can(regex("expected", mistake)) && !can(regex("[\\^$]|anyOf|const", mistake))])
    error_message = join("\n", [for mistake in local.mistakes : "${length(mistake)}: ${mistake}"])
  }

  assert {
    condition = alltrue([
      for fragment in [
        "such as ec2-subnet-public-ip, rds-instance-public, rds-snapshot-public, redshift-cluster-public",
        "excluded_groups names the group \"production\": expected one of account_groups, business-unit-0-production, business-unit-1-production, business-unit-10-production, business-unit-11-production, business-unit-12-production, and 35 more",
        "rules[\"s3-bucket-public\"].maintenance_window has no start and no end: expected", "schedule.maintenance_window has no end: expected",
        ".destination is \"my-bucket\": expected cloud-watch-logs, or the ARN of an S3 bucket", ".kms_key_arn is \"alias/logs\": expected the ARN of a key",
        ".log_group_name is \"logs of ours\": expected a log group's name", ".delivery_role_name is \"acme\": expected the name of a role, with its path, that ends with -flow-logs",
        ".retention_days is 8: expected 1, 3, 5,", ".max_aggregation_interval is 61: expected 60, 600",
      ] : anytrue([for mistake in local.mistakes : strcontains(mistake, fragment)])
    ])
    error_message = join("\n", local.mistakes)
  }

  # A regular expression would not help the reader.
  assert {
    condition = alltrue(flatten([
      for rule in values(local.catalog) : [for option, schema in rule.options.properties : contains(keys(local.option_words), option) if can(schema.pattern) || can(schema.anyOf)]
    ]))
    error_message = "Options without words for their form: ${join(", ", keys(local.option_forms))}"
  }
}

# Findings that these would exempt do not exist, so the resources would be remediated.
run "exemptions_that_match_nothing" {
  command = plan

  variables {
    custom_rules = {
      queues = {
        netskope_rule_names = ["Q"]
        resource_id_pattern = "[a-z]+|orders-[0-9]"
        runbook             = { document = "Acme" }
      }
    }
    rules = { for id, exemptions in {
      security-group-ssh-open = [{ resource = "web-servers" }, { resource = "sg-0123456789abcdef0 " }, { resource = " *" }, { region = "global" }, { region = "g*" }, { resource = "sg-0123456789abcdef0", region = "eu-*" }]
      CIS-1-2-0-1-4           = [{ resource = "deploy", region = "eu-central-1" }, { region = "eu-*" }, { resource = "deploy", region = "g*" }, { region = "global" }]
      queues                  = [{ resource = "xorders-1" }, { resource = "orders-1" }, { resource = "x*", region = "global" }]
      redshift-cluster-public = [{ resource = "Sales" }]
      s3-bucket-public        = [{ resource = "my.bucket" }, { resource = "my_bucket/logs" }]
      rds-instance-public     = [{ resource = "orders" }]
    } : id => { exemptions = [for exemption in exemptions : merge({ reason = "r", owner = "o", expires = "2099-01-31" }, exemption)] } }
  }

  expect_failures = [output.rules]

  assert {
    condition = tolist(local.mistakes) == tolist([
      "rules[\"CIS-1-2-0-1-4\"].exemptions[0] (deploy) has the region \"eu-central-1\": expected global or *, because findings of this rule have no region",
      "rules[\"CIS-1-2-0-1-4\"].exemptions[1] (*) has the region \"eu-*\": expected global or *, because findings of this rule have no region",
      "rules[\"queues\"].exemptions[0] (xorders-1) names no resource of this rule: expected a resource's id, as Netskope shows it, or a pattern with *",
      "rules[\"queues\"].exemptions[2] (x*) has the region \"global\": expected a region's code or *, because findings of this rule have a region",
      "rules[\"redshift-cluster-public\"].exemptions[0] (Sales) names no resource of this rule: expected a resource's id, as Netskope shows it, or a pattern with *",
      "rules[\"s3-bucket-public\"].exemptions[1] (my_bucket/logs) names no resource of this rule: expected a resource's id, as Netskope shows it, or a pattern with *",
      "rules[\"security-group-ssh-open\"].exemptions[0] (web-servers) names no resource of this rule: expected a resource's id, as Netskope shows it, or a pattern with *",
      "rules[\"security-group-ssh-open\"].exemptions[1] (sg-0123456789abcdef0 ) contains white space: expected the resource's id, as Netskope shows it, or a pattern with *",
      "rules[\"security-group-ssh-open\"].exemptions[2] ( *) contains white space: expected the resource's id, as Netskope shows it, or a pattern with *",
      "rules[\"security-group-ssh-open\"].exemptions[3] (*) has the region \"global\": expected a region's code or *, because findings of this rule have a region",
    ])
    error_message = join("\n", local.mistakes)
  }
}

run "runbook_missing_in_this_partition" {
  command = plan

  variables {
    partition = "aws-cn"
    rules     = { security-group-ssh-open = { method = "runbook" } }
  }

  expect_failures = [output.rules]
}

# Warnings instead of errors.
run "options_without_effect" {
  command = plan

  variables {
    schedule = { expression = "rate(7 hours)", time_zone = "UTC", maintenance_window = { days = ["SAT"], start = "22:00", end = "04:30" } }
    rules = {
      s3-bucket-public = { runbook_then = "report", exemptions = [
        { resource = "web", reason = "website", owner = "me", expires = "2020-01-31" },
        { region = "us-east-1", reason = "website", owner = "me", expires = "2099-01-31" },
      ] }
      iam-access-key-unrotated = { options = { max_age_days = 30 } }
    }
  }

  expect_failures = [check.exemptions_count, check.exemptions_name_regions, check.maintenance_windows_are_polled, check.options_have_an_effect]

  assert {
    condition = local.vain_options == [
      "rules[\"iam-access-key-unrotated\"].options.max_age_days is 30, and Netskope reports from 90 on: a lower value finds no further resources, but changes more in those that are found",
      "rules[\"s3-bucket-public\"].runbook_then is \"report\", and the rule's method is \"api\"",
    ]
    error_message = join("\n", local.vain_options)
  }
}

run "limits_and_breaker_of_a_rule" {
  command = plan

  variables {
    deployment = { limits = { per_account_per_hour = 10 }, breaker = { changes = 8 } }
    rules = {
      s3-bucket-public        = { limits = { per_rule_per_hour = 20 }, breaker = { failed_percent = 25 } }
      security-group-ssh-open = {}
    }
  }

  assert {
    condition = [for settings in values(output.rule_settings) : [jsondecode(settings).limits, jsondecode(settings).breaker]] == [
      [{ per_account_per_hour = 10, per_rule_per_hour = 20 }, { changes = 8, failed_percent = 25 }],
      [{ per_account_per_hour = 10, per_rule_per_hour = 200 }, { changes = 8, failed_percent = 50 }],
    ] && values(output.rule_limits) == [20, 200]
    error_message = "Settings: ${jsonencode(output.rule_settings)}"
  }
}

run "mistakes_in_limits_of_a_rule" {
  command = plan

  variables {
    rules = { s3-bucket-public = { limits = { per_rule_per_hour = 0 }, breaker = { failed_percent = 120 } } }
  }

  expect_failures = [output.rules]

  assert {
    condition = local.mistakes == [
      "rules[\"s3-bucket-public\"].breaker.failed_percent is 120: expected a whole number, 1 to 100",
      "rules[\"s3-bucket-public\"].limits.per_rule_per_hour is 0: expected a whole number, 1 to 1000000",
    ]
    error_message = jsonencode(local.mistakes)
  }
}

# The functions refuse these values, too: see lambdas/model/settings.ts and the options of each rule.
run "what_the_functions_refuse" {
  command = plan

  variables {
    deployment   = { limits = { per_account_per_hour = 10 } }
    schedule     = { time_zone = "Europe/Berln" }
    new_accounts = { days = 200000, joined = { "111111111111" = "2026-05-04T08:00:00Z" } }
    rules = {
      security-group-ssh-open = {
        netskope_rule_names = [format("%01025d", 0)]
        limits              = { per_account_per_hour = 100000000000000000 }
        exemptions          = [{ group = "", reason = "r", owner = "o", expires = "2099-01-31" }]
      }
      vpc-flow-logs-disabled         = { options = { log_group_name = "/vpc/flow-logs" } }
      network-acl-default-allows-all = { options = { replacement_cidrs = ["2001:00db8::/32", "2001:db8::/32"] } }
    }
  }

  expect_failures = [output.rules]

  assert {
    condition = toset(local.mistakes) == toset([
      "schedule.time_zone is \"Europe/Berln\": expected a name from the IANA time zone database, such as \"Europe/Berlin\"",
      "new_accounts.days is 200000: expected a whole number, 1 to 3650",
      "rules[\"security-group-ssh-open\"].netskope_rule_names contains \"0000000000000000000000000000000000000000…\", a name of 1025 characters: expected at most 1024",
      "rules[\"security-group-ssh-open\"].limits.per_account_per_hour is 100000000000000000: expected a whole number, 1 to 1000000",
      "rules[\"security-group-ssh-open\"] names the group \"\": expected one of account_groups, production",
      "rules[\"vpc-flow-logs-disabled\"].options.log_group_name is \"/vpc/flow-logs\": expected {vpc_id}, and no other braces, so that each VPC has its own log group, and at most 512 characters with a VPC's id",
      "rules[\"network-acl-default-allows-all\"].options.replacement_cidrs has \"2001:00db8::/32\": expected vpc, or a CIDR narrower than everything, such as 10.0.0.0/8 or 2001:db8::/32",
    ])
    error_message = join("\n", local.mistakes)
  }
}

run "log_group_names" {
  command = plan

  variables {
    rules = { vpc-flow-logs-disabled = { options = { log_group_name = "/{vpc_id}/${join("", [for _ in range(489) : "x"])}" } } }
  }

  assert {
    condition     = length(local.mistakes) == 0
    error_message = join("\n", local.mistakes)
  }
}

run "log_group_name_too_long_with_the_id" {
  command = plan

  variables {
    rules = { vpc-flow-logs-disabled = { options = { log_group_name = "/{vpc_id}/${join("", [for _ in range(490) : "x"])}" } } }
  }

  expect_failures = [output.rules]
}

run "log_group_name_with_other_braces" {
  command = plan

  variables {
    rules = { vpc-flow-logs-disabled = { options = { log_group_name = "/{vpc_id}/{region}" } } }
  }

  expect_failures = [output.rules]
}

run "times_of_cron" {
  command = plan

  variables {
    rules = {
      rds-snapshot-public             = { schedule_expression = "cron(0 6 ? * XYZ *)" }
      redshift-cluster-public         = { schedule_expression = "cron(0 6 ? FOO MON *)" }
      s3-bucket-public                = { schedule_expression = "cron(0 6 * * ? 1969)" }
      security-group-rdp-open         = { schedule_expression = "rate(999999 days)" }
      security-group-ssh-open         = { schedule_expression = "cron(0/15 6 ? JAN,MAR-JUN MON-FRI,SUN 2026-2030)" }
      vpc-flow-logs-disabled          = { schedule_expression = "cron(0 6 ? DEC FRIL 2026/2)" }
      security-group-admin-ports-open = { schedule_expression = "rate(99999 days)" }
    }
  }

  expect_failures = [output.rules]

  assert {
    condition     = [for mistake in local.mistakes : split("\"", mistake)[1]] == ["rds-snapshot-public", "redshift-cluster-public", "s3-bucket-public", "security-group-rdp-open"]
    error_message = join("\n", local.mistakes)
  }
}

# Without these validations, Terraform would report the expression in which a null fails.
run "nulls" {
  command = plan

  variables {
    accounts          = [null]
    excluded_accounts = [null]
    excluded_groups   = [null]
    account_groups    = { production = [null] }
    mode_by_account   = { "111111111111" = null }
    mode_by_group     = { production = null }
  }

  expect_failures = [var.accounts, var.excluded_accounts, var.excluded_groups, var.account_groups, var.mode_by_account, var.mode_by_group]
}

run "group_of_null" {
  command = plan

  variables {
    account_groups = { production = null }
  }

  expect_failures = [var.account_groups]
}

run "long_path" {
  command = plan

  variables {
    deployment = { iam = { path = "/${format("%0511d", 0)}/" } }
  }

  expect_failures = [output.rules]
}
