mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules = {
    security-group-ssh-open = { mode = "enforce" }
    s3-bucket-public        = { maintenance_window = { start = "12:00", end = "13:00" } }
  }
}

run "none" {
  command = plan

  variables {
    rules = { security-group-ssh-open = { mode = "enforce" } }
  }

  assert {
    condition     = !can(jsondecode(output.settings.rules["security-group-ssh-open"]).maintenance_window)
    error_message = "Settings: ${output.settings.rules["security-group-ssh-open"]}"
  }
}

run "of_one_rule" {
  command = plan

  assert {
    condition = jsondecode(output.settings.rules["s3-bucket-public"]).maintenance_window == {
      days = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], start = "12:00", end = "13:00", time_zone = "UTC"
    }
    error_message = "Settings: ${output.settings.rules["s3-bucket-public"]}"
  }

  assert {
    condition     = !can(jsondecode(output.settings.rules["security-group-ssh-open"]).maintenance_window)
    error_message = "Settings: ${output.settings.rules["security-group-ssh-open"]}"
  }
}

run "of_all_rules_in_a_time_zone" {
  command = plan

  variables {
    schedule = {
      time_zone          = "Europe/Berlin"
      maintenance_window = { days = ["SUN", "SAT"], start = "22:00", end = "04:30" }
    }
  }

  assert {
    condition = jsondecode(output.settings.rules["security-group-ssh-open"]).maintenance_window == {
      days = ["SAT", "SUN"], start = "22:00", end = "04:30", time_zone = "Europe/Berlin"
    }
    error_message = "Settings: ${output.settings.rules["security-group-ssh-open"]}"
  }

  assert {
    condition     = jsondecode(output.settings.rules["s3-bucket-public"]).maintenance_window.start == "12:00"
    error_message = "A rule's own window takes precedence: ${output.settings.rules["s3-bucket-public"]}"
  }
}

run "wide_enough_for_each_poll" {
  command = plan

  variables {
    schedule = { expression = "rate(7 hours)", maintenance_window = { start = "22:00", end = "05:00" } }
    rules = {
      security-group-ssh-open = { mode = "enforce" }
      s3-bucket-public        = { schedule_expression = "cron(15 12 * * ? *)", maintenance_window = { start = "12:00", end = "13:00" } }
      rds-snapshot-public     = { schedule_expression = "rate(1 day)", maintenance_window = { start = "00:00", end = "00:00" } }
    }
  }

  assert {
    condition     = length(output.settings.rules) == 3
    error_message = "Settings: ${jsonencode(output.settings)}"
  }
}
