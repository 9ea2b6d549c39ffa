# Each of these mistakes must fail at plan, by the validation that names it. A run makes one mistake in each variable,
# because each variable fails by itself.

variables {
  region              = "eu-central-1"
  home_region         = "eu-central-1"
  partition           = "aws"
  notifications       = true
  delayed_concurrency = 2
}

run "mistakes_1" {
  command = plan
  variables {
    remediator = { memory_size = 64 }
    queue      = { max_receive_count = 0 }
  }
  expect_failures = [var.remediator, var.queue]
}

run "an_age_of_zero" {
  command = plan
  variables {
    alarms = { oldest_job_minutes = 0 }
  }
  expect_failures = [var.alarms]
}

run "mistakes_2" {
  command = plan
  variables {
    remediator = { timeout = 1000 }
    queue      = { retention_days = 15 }
  }
  expect_failures = [var.remediator, var.queue]
}

run "mistakes_3" {
  command = plan
  variables {
    remediator = { subnet_ids = ["subnet-1"] }
    alarms     = { topic_arns = ["arn:aws:sns:us-east-1:111111111111:another-region"] }
    queue      = { dead_letter_retention_days = 0 }
  }
  expect_failures = [var.remediator, var.queue, var.alarms]
}

run "mistakes_4" {
  command = plan
  variables {
    remediator = { maximum_concurrency = 1 }
    queue      = { retry_delay_seconds = 901 }
  }
  expect_failures = [var.remediator, var.queue]
}

# The remediator would have no time to change anything.
run "too_short_to_change_anything" {
  command = plan
  variables {
    remediator = { timeout = 89 }
  }
  expect_failures = [var.remediator]
}

run "less_reserved_than_used" {
  command = plan
  variables {
    remediator = { reserved_concurrency = 6 } # 5 for jobs, and 2 for delayed ones
  }
  expect_failures = [var.remediator]
}

run "security_groups_without_subnets" {
  command = plan
  variables {
    remediator = { security_group_ids = ["sg-1"], layers = ["agent"] }
  }
  expect_failures = [var.remediator]
}

# A dead letter of the standard queue keeps its age.
run "dead_letters_kept_shorter_than_jobs" {
  command = plan

  variables {
    queue = { retention_days = 7, dead_letter_retention_days = 4 }
  }

  expect_failures = [var.queue]
}

run "a_second_region_in_another_partition_without_a_topic" {
  command = plan

  variables {
    region    = "us-gov-west-1"
    partition = "aws-us-gov"
  }

  expect_failures = [var.alarms]
}

run "alarms_without_recipients" {
  command = plan

  variables {
    alarms = { forward = false }
  }

  expect_failures = [var.alarms]
}

run "fractions" {
  command = plan
  variables {
    remediator = { memory_size = 512.5 }
    queue      = { max_receive_count = 1.5 }
  }
  expect_failures = [var.remediator, var.queue]
}

run "fractions_2" {
  command = plan
  variables {
    remediator = { timeout = 300.5 }
    queue      = { retention_days = 1.5 }
  }
  expect_failures = [var.remediator, var.queue]
}

run "fractions_3" {
  command = plan
  variables {
    remediator = { maximum_concurrency = 2.5 }
  }
  expect_failures = [var.remediator]
}
