# A misspelled attribute in each input of each module is refused, with its name and the expected ones.

run "root" {
  command = plan

  variables {
    of = "root"
    given = {
      alarms           = { oldest_job_minute = 5 }
      api_token_secret = { secret_arn = "x" }
      audit_trail      = { bucket = "logs", prefix = "x" }
      breaker          = { change = 5 }
      collector        = { subnet_id = [] }
      custom_rules     = { acme = { names = [], desired_state = { type = "x" }, runbook = { name = "x" } } }
      encryption       = { eu-central-1 = { tokn = "x" } }
      event_bus        = { arn = "x" }
      evidence         = { retention_day = 30, object_lock = { days = 1, modus = "x" }, access_log = { buckt = "x" }, transitions = [{}, { class = "x" }] }
      iam              = { role_path = "/" }
      lambda           = { log_levl = "DEBUG" }
      limits           = { per_account = 5 }
      new_accounts     = { join = {} }
      notifications    = { email = [] }
      queue            = { retries = 1 }
      remediator       = { memory = 1 }
      rules            = { s3-bucket-public = { modes = "off", options = { all = true }, maintenance_window = { hours = 1 }, exemptions = [{ account_id = "x" }] } }
      schedule         = { every = "1h" }
    }
  }

  expect_failures = [output.clean]

  assert {
    condition     = toset(keys(local.shapes)) == toset(keys(var.given))
    error_message = "Inputs without a misspelled attribute here: ${join(", ", setsubtract(keys(local.shapes), keys(var.given)))}"
  }

  assert {
    condition = toset([for mistake in output.structure : regex("^(.*), which is unknown: expected \\w+", mistake)[0]]) == toset([
      "alarms has \"oldest_job_minute\"", "api_token_secret has \"secret_arn\"", "audit_trail has \"prefix\"",
      "breaker has \"change\"", "collector has \"subnet_id\"", "custom_rules[\"acme\"] has \"names\"",
      "custom_rules[\"acme\"].desired_state has \"type\"", "custom_rules[\"acme\"].runbook has \"name\"", "encryption[\"eu-central-1\"] has \"tokn\"",
      "event_bus has \"arn\"", "evidence has \"retention_day\"", "evidence.object_lock has \"modus\"",
      "evidence.access_log has \"buckt\"", "evidence.transitions[1] has \"class\"", "iam has \"role_path\"",
      "lambda has \"log_levl\"", "limits has \"per_account\"", "new_accounts has \"join\"", "notifications has \"email\"", "queue has \"retries\"",
      "remediator has \"memory\"", "rules[\"s3-bucket-public\"] has \"modes\"", "rules[\"s3-bucket-public\"].options has \"all\"",
      "rules[\"s3-bucket-public\"].maintenance_window has \"hours\"", "rules[\"s3-bucket-public\"].exemptions[0] has \"account_id\"",
      "schedule has \"every\"",
    ])
    error_message = join("\n", output.structure)
  }

  # The most similar attributes come first.
  assert {
    condition = alltrue([
      for message in [
        "lambda has \"log_levl\", which is unknown: expected log_level or log_retention_days or architecture, runtime, tracing",
        "encryption[\"eu-central-1\"] has \"tokn\", which is unknown: expected token or all, buckets, evidence, logs, queues, table, topic",
        "evidence.transitions[1] has \"class\", which is unknown: expected days, storage_class",
      ] : contains(output.structure, message)
    ]) && alltrue([for mistake in output.structure : length(mistake) <= 300])
    error_message = join("\n", output.structure)
  }
}

run "central" {
  command = plan

  variables {
    of    = "central"
    given = { alarms = { oldest_job_minutes = 5 } } # of the regions
  }

  expect_failures = [output.clean]

  assert {
    condition     = output.structure == ["alarms has \"oldest_job_minutes\", which is unknown: expected enabled, topic_arns"]
    error_message = join("\n", output.structure)
  }

  # All other inputs that the root module passes on have the same shape in their module.
  assert {
    condition = alltrue(flatten([
      for module in ["central", "per-region"] : [
        for name, shape in local.all_shapes[module] : jsonencode(shape) == jsonencode(local.all_shapes.root[name]) || name == "alarms"
      ]
    ]))
    error_message = "central or per-region has an input whose shape differs from that in the root module."
  }
}

run "per_region" {
  command = plan

  variables {
    of    = "per-region"
    given = { remediator = { concurrency = 5 }, queue = { max_receive = 5 }, alarms = { forwards = false } }
  }

  expect_failures = [output.clean]

  assert {
    condition     = length(output.structure) == length(local.shapes)
    error_message = join("\n", output.structure)
  }
}

run "target" {
  command = plan

  variables {
    of    = "target"
    given = { iam = { target_role_path = "/security/" } }
  }

  expect_failures = [output.clean]

  assert {
    condition     = output.structure == ["iam has \"target_role_path\", which is unknown: expected create_delivery_role, delivery_role_name, path, permissions_boundary_arn, remediator_role_path"]
    error_message = join("\n", output.structure)
  }
}

run "target_stackset" {
  command = plan

  variables {
    of    = "target-stackset"
    given = { iam = { permissions_boundary_arn = "x" }, operation = { failure_tolerance = 1 }, organizational_units = { "ou-a1b2-production" = { account = [] } }, custom_rules = { acme = { names = [] } } }
  }

  expect_failures = [output.clean]

  assert {
    condition     = length(output.structure) == length(local.shapes)
    error_message = join("\n", output.structure)
  }
}

run "a_value_of_a_wrong_kind" {
  command = plan

  variables {
    of    = "target"
    given = { iam = { path = ["/"] } }
  }

  expect_failures = [output.clean]

  assert {
    condition     = output.kinds == ["iam.path is a list: expected a string"] && length(output.structure) == 0
    error_message = join("\n", output.kinds)
  }
}

run "nothing_to_correct" {
  command = plan

  variables {
    of = "root"
    given = {
      audit_trail = null
      schedule    = {}
      evidence    = { retention_days = "400", transitions = [], policy_statements = [{ Effect = "Deny" }], object_lock = null }
      rules       = { s3-bucket-public = null, iam-access-key-unrotated = { accounts = toset(["111111111111"]), mode_by_account = tomap({ "111111111111" = "off" }), options = { max_age_days = 90 }, exemptions = [{ resource = "x" }] } }
    }
  }

  assert {
    condition = jsonencode(output.clean) == jsonencode({
      audit_trail = null
      schedule    = {}
      evidence    = { retention_days = 400, transitions = [], policy_statements = [{ Effect = "Deny" }], object_lock = null }
      rules       = { s3-bucket-public = {}, iam-access-key-unrotated = { accounts = ["111111111111"], mode_by_account = { "111111111111" = "off" }, options = { max_age_days = 90 }, exemptions = [{ resource = "x" }] } }
    })
    error_message = jsonencode(output.clean)
  }
}

# The message does not contain the secret.
run "sensitive" {
  command = plan

  variables {
    of     = "central"
    refuse = false
    given  = { lambda = { tracing = sensitive("hunter2"), log_levl = "x" } }
  }

  assert {
    condition     = nonsensitive(output.kinds) == ["lambda.tracing is a sensitive value, a string: expected true or false"] && length(output.structure) == 1
    error_message = "The value must not be in the message."
  }
}
