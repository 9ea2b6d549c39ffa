mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  link = {
    name                     = "cspm-auto-remediation"
    partition                = "aws"
    security_account_id      = "111111111111"
    home_region              = "us-east-1"
    regions                  = ["eu-central-1", "us-east-1"]
    event_bus_arn            = "arn:aws:events:us-east-1:111111111111:event-bus/cspm-auto-remediation"
    notifications            = true
    evidence_bucket          = "evidence"
    findings_table           = "cspm-auto-remediation-findings"
    target_role_name         = "security/cspm-auto-remediation-remediation"
    automation_role_name     = "security/cspm-auto-remediation-automation"
    external_id              = "external"
    collector_role_id        = "AROACOLLECTOR"
    settings_bucket          = "settings"
    metrics_namespace        = "CspmAutoRemediation"
    iam_path                 = "/"
    permissions_boundary_arn = null
    tags                     = { team = "security" }
    lambda                   = { architecture = "arm64", log_level = "INFO", log_retention_days = 90, tracing = false }
  }
}

run "enabled_creates" {
  command = plan

  assert {
    condition = alltrue([
      aws_sqs_queue.jobs.name == "cspm-auto-remediation-jobs.fifo",
      aws_sqs_queue.jobs.fifo_queue,
      aws_sqs_queue.jobs.deduplication_scope == "messageGroup",
      aws_sqs_queue.jobs.fifo_throughput_limit == "perMessageGroupId",
      aws_sqs_queue.jobs.visibility_timeout_seconds == 6 * 300,
      aws_sqs_queue.jobs.sqs_managed_sse_enabled,
      aws_sqs_queue.dead_letters.name == "cspm-auto-remediation-jobs-dead-letters.fifo",
      aws_sqs_queue.dead_letters.fifo_queue,
      aws_sqs_queue.dead_letters.message_retention_seconds == 14 * 24 * 3600,
      jsondecode(aws_sqs_queue.jobs.redrive_policy).maxReceiveCount == 5,
      jsondecode(aws_sqs_queue.dead_letters.redrive_allow_policy).sourceQueueArns == ["arn:aws:sqs:eu-central-1:111111111111:cspm-auto-remediation-jobs.fifo"],
    ])
    error_message = "Queues: ${jsonencode([aws_sqs_queue.jobs, aws_sqs_queue.dead_letters])}"
  }

  assert {
    condition = alltrue([
      aws_lambda_event_source_mapping.jobs.batch_size == 1,
      aws_lambda_event_source_mapping.jobs.function_response_types == toset(["ReportBatchItemFailures"]),
      aws_lambda_event_source_mapping.jobs.scaling_config[0].maximum_concurrency == 5,
      aws_lambda_event_source_mapping.jobs.tags == tomap({ team = "security" }),
    ])
    error_message = "Mapping: ${jsonencode(aws_lambda_event_source_mapping.jobs)}"
  }

  assert {
    condition = module.remediator.environment == tomap({
      NAME                         = "cspm-auto-remediation"
      HOME_REGION                  = "us-east-1"
      SECURITY_ACCOUNT_ID          = "111111111111"
      PARTITION                    = "aws"
      EVIDENCE_BUCKET              = "evidence"
      FINDINGS_TABLE               = "cspm-auto-remediation-findings"
      SETTINGS_BUCKET              = "settings"
      EVENT_BUS_ARN                = "arn:aws:events:us-east-1:111111111111:event-bus/cspm-auto-remediation"
      TARGET_ROLE_NAME             = "security/cspm-auto-remediation-remediation"
      EXTERNAL_ID                  = "external"
      COLLECTOR_ROLE_ID            = "AROACOLLECTOR"
      AUTOMATION_ROLE_NAME         = "security/cspm-auto-remediation-automation"
      MAX_RECEIVE_COUNT            = "5"
      RETRY_DELAY_SECONDS          = "30"
      POWERTOOLS_SERVICE_NAME      = "cspm-auto-remediation-remediator"
      POWERTOOLS_METRICS_NAMESPACE = "CspmAutoRemediation"
      POWERTOOLS_LOG_LEVEL         = "INFO"
    })
    error_message = "Environment: ${jsonencode(module.remediator.environment)}"
  }

  assert {
    condition = jsonencode([
      for statement in jsondecode(module.remediator.policy).Statement : concat([join(" ", sort(statement.Action))], sort(statement.Resource))
      ]) == jsonencode([
      ["sts:AssumeRole", "arn:aws:iam::*:role/security/cspm-auto-remediation-remediation"],
      ["sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:111111111111:cspm-auto-remediation-jobs.fifo"],
      ["sqs:GetQueueUrl sqs:SendMessage", "arn:aws:sqs:eu-central-1:111111111111:cspm-auto-remediation-jobs-dead-letters.fifo", "arn:aws:sqs:eu-central-1:111111111111:cspm-auto-remediation-jobs-delayed"],
      ["sqs:SendMessage", "arn:aws:sqs:eu-central-1:111111111111:cspm-auto-remediation-jobs.fifo"],
      ["sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:111111111111:cspm-auto-remediation-jobs-delayed"],
      ["s3:GetObject", "arn:aws:s3:::settings/accounts.json", "arn:aws:s3:::settings/rules/*"],
      ["s3:ListBucket", "arn:aws:s3:::settings"],
      ["ssm:GetParameter", "arn:aws:ssm:eu-central-1:111111111111:parameter/cspm-auto-remediation/pause"],
      ["s3:GetObject s3:PutObject", "arn:aws:s3:::evidence/in-progress/*", "arn:aws:s3:::evidence/jobs/*"],
      ["s3:GetObject", "arn:aws:s3:::evidence/outcomes/*", "arn:aws:s3:::evidence/plans/outcomes/*"],
      ["s3:PutObject", "arn:aws:s3:::evidence/outcomes/*", "arn:aws:s3:::evidence/plans/outcomes/*"],
      ["s3:DeleteObject", "arn:aws:s3:::evidence/in-progress/*"],
      ["s3:ListBucket", "arn:aws:s3:::evidence"],
      ["dynamodb:BatchGetItem", "arn:aws:dynamodb:us-east-1:111111111111:table/cspm-auto-remediation-findings"],
      ["dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:111111111111:table/cspm-auto-remediation-findings"],
      ["dynamodb:UpdateItem", "arn:aws:dynamodb:us-east-1:111111111111:table/cspm-auto-remediation-findings"],
      ["events:PutEvents", "arn:aws:events:us-east-1:111111111111:event-bus/cspm-auto-remediation"],
      ["logs:CreateLogStream logs:PutLogEvents", "arn:aws:logs:eu-central-1:111111111111:log-group:mock:*"],
    ])
    error_message = "Policy: ${module.remediator.policy}"
  }

  assert {
    condition = [
      for statement in jsondecode(module.remediator.policy).Statement : statement.Condition if contains(statement.Action, "dynamodb:PutItem")
      ] == [{
        "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["account#????????????", "lease#eu-central-1#*", "done#*#????????????#eu-central-1", "finding#????????????#eu-central-1#*", "result#????????????#eu-central-1#*", "undone#eu-central-1", "count#*#????????????", "count#*#all", "trip#*#????????????", "deferral#*", "settings#*"] }
        Null                      = { "dynamodb:LeadingKeys" = ["false"] }
    }]
    error_message = "A remediator must reach only items of its own region, and none with a request without keys: ${module.remediator.policy}"
  }

  assert {
    condition = flatten([
      for statement in jsondecode(module.remediator.policy).Statement : statement.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] if contains(statement.Action, "dynamodb:BatchGetItem")
    ]) == ["account#????????????", "lease#eu-central-1#*", "done#*#????????????#eu-central-1", "finding#????????????#eu-central-1#*", "result#????????????#eu-central-1#*", "undone#eu-central-1", "count#*#????????????", "count#*#all", "trip#*#????????????", "deferral#*", "settings#*", "sent#*#????????????#eu-central-1", "hold#????????????#*", "pending#????????????#eu-central-1", "request#*", "resume#*#????????????", "retry#????????????#*"]
    error_message = "A remediator must also read what operators write: ${module.remediator.policy}"
  }

  assert {
    condition = [
      for statement in jsondecode(module.remediator.policy).Statement : statement.Condition if statement.Resource == ["arn:aws:s3:::evidence/outcomes/*", "arn:aws:s3:::evidence/plans/outcomes/*"] && statement.Action == ["s3:PutObject"]
    ] == [{ Null = { "s3:if-none-match" = ["false"] } }]
    error_message = "A remediator must not overwrite outcomes: ${module.remediator.policy}"
  }

  assert {
    condition     = module.remediator.role_name == "cspm-auto-remediation-remediator-eu-central-1"
    error_message = "IAM is global: the role's name must contain the region, and begin as the target roles' trust policy says."
  }

  assert {
    condition     = aws_ssm_parameter.pause.name == "/cspm-auto-remediation/pause" && aws_ssm_parameter.pause.value == "none"
    error_message = "Nothing is paused at first."
  }

  assert {
    condition = toset(keys(module.alarms.alarms)) == toset([
      "alarms-dead-letters", "breaker-open", "deferrals-lasting", "findings-failed", "findings-recurring", "jobs-dead-letters", "jobs-delayed-dead-letters",
      "jobs-delayed-near-retention", "jobs-near-retention", "limit-reached", "oldest-job",
      "remediator-errors", "remediator-throttled", "requests-ignored", "roles-missing", "settings-invalid", "take-back-failed", "unexpected-errors",
    ])
    error_message = "Alarms are on by default: ${join(", ", keys(module.alarms.alarms))}"
  }

  # One alarm for all failed findings in the region, and one message as long as hourly polls have the same result.
  assert {
    condition = alltrue([
      for alarm in [module.alarms.alarms["findings-failed"]] : alltrue([
        alarm.metric_name == "FailedFindings",
        alarm.dimensions == tomap({ service = "cspm-auto-remediation-remediator" }),
        alarm.period * alarm.evaluation_periods == 7200 && alarm.datapoints_to_alarm == 1,
        strcontains(alarm.alarm_description, "/aws/lambda/cspm-auto-remediation-remediator in eu-central-1 with CloudWatch Logs Insights: fields @timestamp, message | filter outcome = 'failed'"),
        strcontains(alarm.alarm_description, "s3://evidence/outcomes/"),
      ])
    ]) && module.alarms.alarms["remediator-errors"].period == 300
    error_message = "Alarm: ${jsonencode(module.alarms.alarms)}"
  }
}

# SQS silently deletes messages after the queue's retention period.
run "jobs_are_reported_before_sqs_drops_them" {
  command = plan

  variables {
    queue = { retention_days = 2 }
  }

  assert {
    condition = {
      for name in ["jobs-near-retention", "jobs-delayed-near-retention"] :
      module.alarms.alarms[name].dimensions.QueueName => [module.alarms.alarms[name].metric_name, module.alarms.alarms[name].threshold]
      } == {
      "cspm-auto-remediation-jobs.fifo"    = ["ApproximateAgeOfOldestMessage", 36 * 3600]
      "cspm-auto-remediation-jobs-delayed" = ["ApproximateAgeOfOldestMessage", 36 * 3600]
    }
    error_message = "Alarms: ${jsonencode(module.alarms.alarms)}"
  }
}

run "failed_rollbacks_are_reported_at_once" {
  command = plan

  assert {
    condition = alltrue([
      for alarm in [module.alarms.alarms["take-back-failed"]] :
      alarm.metric_name == "TakeBackFailed" && alarm.period == 60 && alarm.evaluation_periods == 1 && alarm.threshold == 0
    ])
    error_message = "Alarm: ${jsonencode(module.alarms.alarms["take-back-failed"])}"
  }
}

# One message for all accounts, regardless of the number of findings, as long as hourly polls have the same result.
run "missing_roles_send_one_message" {
  command = plan

  assert {
    condition = alltrue([
      for alarm in [module.alarms.alarms["roles-missing"]] :
      alarm.metric_name == "RoleMissing" && alarm.period * alarm.evaluation_periods == 7200 && alarm.datapoints_to_alarm == 1
    ])
    error_message = "Alarm: ${jsonencode(module.alarms.alarms["roles-missing"])}"
  }
}

run "the_home_region_has_findings_without_a_region" {
  command = plan

  variables {
    link = merge(var.link, { home_region = "eu-central-1" })
  }

  assert {
    condition = flatten([
      for statement in jsondecode(module.remediator.policy).Statement : statement.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] if contains(statement.Action, "dynamodb:PutItem")
    ]) == ["account#????????????", "lease#eu-central-1#*", "done#*#????????????#eu-central-1", "finding#????????????#eu-central-1#*", "result#????????????#eu-central-1#*", "undone#eu-central-1", "finding#????????????#global#*", "count#*#????????????", "count#*#all", "trip#*#????????????", "deferral#*", "settings#*"]
    error_message = "Policy: ${module.remediator.policy}"
  }
}

run "only_roles_of_the_organization" {
  command = plan

  variables {
    link = merge(var.link, { organization_id = "o-a1b2c3d4e5" })
  }

  assert {
    condition = [for statement in jsondecode(module.remediator.policy).Statement : try(statement.Condition, null) if contains(statement.Action, "sts:AssumeRole")] == [
      { StringEquals = { "aws:ResourceOrgID" = ["o-a1b2c3d4e5"] } },
    ]
    error_message = "Policy: ${module.remediator.policy}"
  }
}

run "only_named_accounts_and_customer_keys" {
  command = plan

  variables {
    link = merge(var.link, {
      organization_id = "o-a1b2c3d4e5"
      accounts        = ["222222222222", "333333333333"]
      keys = {
        eu-central-1 = { queues = "arn:aws:kms:eu-central-1:111111111111:key/queues", logs = "arn:aws:kms:eu-central-1:111111111111:key/logs", buckets = null, evidence = null, table = null }
        us-east-1    = { queues = null, logs = null, buckets = "arn:aws:kms:us-east-1:111111111111:key/buckets", evidence = "arn:aws:kms:us-east-1:111111111111:key/evidence", table = "arn:aws:kms:us-east-1:111111111111:key/table" }
      }
    })
  }

  assert {
    condition = module.remediator.log_key_arn == "arn:aws:kms:eu-central-1:111111111111:key/logs" && alltrue([
      for queue in [aws_sqs_queue.jobs, aws_sqs_queue.dead_letters, aws_sqs_queue.delayed, aws_sqs_queue.delayed_dead_letters, aws_sqs_queue.alarms_dead_letters[0]] :
      queue.kms_master_key_id == "arn:aws:kms:eu-central-1:111111111111:key/queues"
    ])
    error_message = "Queues and logs must have this region's keys."
  }

  assert {
    condition = [
      for statement in jsondecode(module.remediator.policy).Statement : [statement.Action, statement.Resource, statement.Condition.StringEquals["kms:ViaService"]] if startswith(statement.Action[0], "kms:")
      ] == [
      [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-central-1:111111111111:key/queues"], ["sqs.eu-central-1.amazonaws.com"]],
      [["kms:Decrypt"], ["arn:aws:kms:us-east-1:111111111111:key/buckets"], ["s3.us-east-1.amazonaws.com"]],
      [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:us-east-1:111111111111:key/evidence"], ["s3.us-east-1.amazonaws.com"]],
      [["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"], ["arn:aws:kms:us-east-1:111111111111:key/table"], ["dynamodb.us-east-1.amazonaws.com"]],
    ]
    error_message = "The remediator may use keys only through their services: ${module.remediator.policy}"
  }

  assert {
    condition = [for statement in jsondecode(module.remediator.policy).Statement : try(statement.Condition, null) if contains(statement.Action, "sts:AssumeRole")] == [
      { StringEquals = { "aws:ResourceOrgID" = ["o-a1b2c3d4e5"], "aws:ResourceAccount" = ["222222222222", "333333333333"] } },
    ]
    error_message = "Policy: ${module.remediator.policy}"
  }
}

# An inline policy is limited to 10,240 characters.
run "the_maximum_number_of_accounts_in_a_policy" {
  command = plan

  variables {
    link = merge(var.link, { organization_id = "o-a1b2c3d4e5", accounts = [for number in range(400) : format("%012d", number)] })
  }

  assert {
    condition     = strcontains(module.remediator.policy, "000000000399") && length(module.remediator.policy) < 10240
    error_message = "Policy of ${length(module.remediator.policy)} characters."
  }
}

run "more_accounts_than_fit_into_a_policy" {
  command = plan

  variables {
    link = merge(var.link, { accounts = [for number in range(401) : format("%012d", number)] })
  }

  assert {
    condition     = !strcontains(module.remediator.policy, "aws:ResourceAccount") && length(module.remediator.policy) < 10240
    error_message = "Policy of ${length(module.remediator.policy)} characters."
  }
}

# An event pattern is limited to 2,048 characters.
run "alarms_with_the_longest_names_fit_into_a_pattern" {
  command = plan

  variables {
    link = merge(var.link, { name = "a2345678901234567890123456789012", partition = "aws-us-gov", home_region = "eu-central-1" })
  }

  assert {
    # No region code is more than four characters longer.
    condition     = length(aws_cloudwatch_event_rule.alarms[0].event_pattern) + 4 * length(module.alarms.alarms) <= 2048
    error_message = "Pattern of ${length(aws_cloudwatch_event_rule.alarms[0].event_pattern)} characters."
  }
}

# Jobs that cannot be processed or started delay others; another alarm already reports that.
run "one_message_per_cause" {
  command = plan

  variables {
    alarms = { topic_arns = ["arn:aws:sns:eu-central-1:111111111111:topic"] }
  }

  assert {
    condition = module.alarms.combined["jobs-waiting"].alarm_rule == join("", [
      "(ALARM(\"cspm-auto-remediation-oldest-job\")) AND NOT ",
      "(ALARM(\"cspm-auto-remediation-jobs-dead-letters\") OR ALARM(\"cspm-auto-remediation-remediator-throttled\"))",
    ])
    error_message = "Rule: ${module.alarms.combined["jobs-waiting"].alarm_rule}"
  }

  # Your own topic gets the alarms that no other alarm reports, including those that the event bus reports to others.
  assert {
    condition = toset([for name, alarm in merge(module.alarms.alarms, module.alarms.combined) : name if length(alarm.alarm_actions) == 1]) == toset([
      "alarms-dead-letters", "breaker-open", "deferrals-lasting", "findings-failed", "findings-recurring", "jobs-dead-letters", "jobs-delayed-dead-letters",
      "jobs-delayed-near-retention", "jobs-near-retention", "jobs-waiting", "limit-reached", "remediator-throttled", "requests-ignored", "roles-missing", "settings-invalid", "take-back-failed",
    ])
    error_message = "Alarms: ${jsonencode({ for name, alarm in module.alarms.alarms : name => alarm.alarm_actions })}"
  }

  # After throttling, the queue takes a while to empty.
  assert {
    condition = alltrue([
      for alarm in [module.alarms.alarms["remediator-throttled"]] : alarm.period * alarm.evaluation_periods == 3600 && alarm.datapoints_to_alarm == 3
    ])
    error_message = "Alarm: ${jsonencode(module.alarms.alarms["remediator-throttled"])}"
  }
}

# An alarm can only notify topics of its own region.
run "alarms_go_to_the_central_bus" {
  command = plan

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.alarms[0].event_pattern).source == ["aws.cloudwatch"] && toset(jsondecode(aws_cloudwatch_event_rule.alarms[0].event_pattern).resources) == toset([
      for name, alarm in merge(module.alarms.alarms, module.alarms.combined) : "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:${alarm.alarm_name}" if contains([
        "alarms-dead-letters", "findings-failed", "jobs-dead-letters", "jobs-delayed-dead-letters", "jobs-delayed-near-retention", "jobs-near-retention",
        "jobs-waiting", "remediator-throttled", "requests-ignored", "take-back-failed",
      ], name)
    ])
    error_message = "Pattern: ${aws_cloudwatch_event_rule.alarms[0].event_pattern}"
  }

  assert {
    condition = alltrue([
      aws_cloudwatch_event_target.alarms[0].arn == var.link.event_bus_arn,
      aws_cloudwatch_event_target.alarms[0].role_arn == aws_iam_role.alarms[0].arn,
      aws_cloudwatch_event_target.alarms[0].dead_letter_config[0].arn == aws_sqs_queue.alarms_dead_letters[0].arn,
      aws_cloudwatch_event_target.alarms[0].retry_policy[0].maximum_event_age_in_seconds == 3600,
      module.alarms.alarms["alarms-dead-letters"].dimensions == tomap({ QueueName = aws_sqs_queue.alarms_dead_letters[0].name }),
      jsondecode(aws_sqs_queue_policy.alarms_dead_letters[0].policy).Statement[0].Condition == { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.alarms[0].arn } },
      aws_iam_role.alarms[0].name == "cspm-auto-remediation-alarms-eu-central-1",
      jsondecode(aws_iam_role_policy.alarms[0].policy).Statement == [{ Effect = "Allow", Action = ["events:PutEvents"], Resource = [var.link.event_bus_arn] }],
      jsondecode(aws_iam_role.alarms[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "111111111111",
    ])
    error_message = "Target: ${jsonencode(aws_cloudwatch_event_target.alarms)}"
  }
}

run "nothing_is_forwarded_without_notifications" {
  command = plan

  variables {
    link = merge(var.link, { notifications = false })
  }

  assert {
    condition     = length(module.alarms.alarms) > 0 && length(aws_cloudwatch_event_rule.alarms) == 0 && length(aws_iam_role.alarms) == 0 && length(aws_cloudwatch_event_target.alarms) == 0 && length(aws_sqs_queue.alarms_dead_letters) == 0
    error_message = "Without notifications, alarms must not be forwarded."
  }
}

# A new AWS account has a quota of ten concurrent executions per region, for all functions. A throttled invocation uses up one
# attempt of a job.
run "a_new_account_has_invocations_left_for_polls" {
  command = plan

  assert {
    condition     = 10 - sum([for mapping in [aws_lambda_event_source_mapping.jobs, aws_lambda_event_source_mapping.delayed] : mapping.scaling_config[0].maximum_concurrency]) >= 3
    error_message = "By default the two queues take ${aws_lambda_event_source_mapping.jobs.scaling_config[0].maximum_concurrency} and ${aws_lambda_event_source_mapping.delayed.scaling_config[0].maximum_concurrency} of 10."
  }
}

# Follow-up jobs wait in a queue that can delay single messages, and are then forwarded to their account's group.
run "delayed_jobs" {
  command = plan

  assert {
    condition = alltrue([
      aws_sqs_queue.delayed.name == "cspm-auto-remediation-jobs-delayed",
      !coalesce(aws_sqs_queue.delayed.fifo_queue, false),
      aws_sqs_queue.delayed.sqs_managed_sse_enabled,
      aws_sqs_queue.delayed_dead_letters.sqs_managed_sse_enabled,
      aws_sqs_queue.delayed_dead_letters.message_retention_seconds == 14 * 24 * 3600,
      jsondecode(aws_sqs_queue.delayed.redrive_policy).deadLetterTargetArn == aws_sqs_queue.delayed_dead_letters.arn,
      aws_sqs_queue.delayed.visibility_timeout_seconds == 6 * 300,
      jsondecode(aws_sqs_queue.delayed.redrive_policy).maxReceiveCount == 5,
      jsondecode(aws_sqs_queue.delayed_dead_letters.redrive_allow_policy).sourceQueueArns == ["arn:aws:sqs:eu-central-1:111111111111:cspm-auto-remediation-jobs-delayed"],
      aws_lambda_event_source_mapping.delayed.function_response_types == toset(["ReportBatchItemFailures"]),
      aws_lambda_event_source_mapping.delayed.scaling_config[0].maximum_concurrency == 2,
    ])
    error_message = "Queues: ${jsonencode([aws_sqs_queue.delayed, aws_sqs_queue.delayed_dead_letters])}"
  }

  assert {
    condition     = module.alarms.alarms["jobs-delayed-dead-letters"].dimensions == tomap({ QueueName = aws_sqs_queue.delayed_dead_letters.name }) && module.alarms.alarms["jobs-delayed-dead-letters"].threshold == 0
    error_message = "Alarm: ${jsonencode(module.alarms.alarms["jobs-delayed-dead-letters"])}"
  }
}

run "in_another_partition" {
  command = plan

  variables {
    link = merge(var.link, { partition = "aws-cn", home_region = "eu-central-1", keys = { eu-central-1 = { queues = "arn:aws-cn:kms:eu-central-1:111111111111:key/queues" } } })
  }

  assert {
    condition = alltrue([
      for resource in flatten(jsondecode(module.remediator.policy).Statement[*].Resource) :
      startswith(resource, "arn:aws-cn:") || contains([var.link.event_bus_arn, "arn:aws:logs:eu-central-1:111111111111:log-group:mock:*"], resource)
    ]) && strcontains(aws_cloudwatch_event_rule.alarms[0].event_pattern, "arn:aws-cn:cloudwatch")
    error_message = "ARNs must have the partition: ${module.remediator.policy}"
  }

  # AWS does not document which of the two domains a service has there.
  assert {
    condition = [for statement in jsondecode(module.remediator.policy).Statement : statement.Condition.StringEquals["kms:ViaService"] if contains(statement.Action, "kms:GenerateDataKey")] == [
      ["sqs.eu-central-1.amazonaws.com", "sqs.eu-central-1.amazonaws.com.cn"],
    ]
    error_message = "Policy: ${module.remediator.policy}"
  }

  # Event source mappings do not support tags there.
  assert {
    condition     = aws_lambda_event_source_mapping.jobs.tags == null && aws_lambda_event_source_mapping.delayed.tags == null && aws_sqs_queue.jobs.tags == tomap({ team = "security" })
    error_message = "Tags: ${jsonencode(aws_lambda_event_source_mapping.jobs.tags)}"
  }
}

# EventBridge does not route events between regions there.
run "a_second_region_in_another_partition" {
  command = plan

  variables {
    link   = merge(var.link, { partition = "aws-us-gov" })
    alarms = { forward = false, topic_arns = ["arn:aws-us-gov:sns:eu-central-1:111111111111:alarms"] }
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.alarms) == 0 && module.alarms.combined["jobs-waiting"].alarm_actions == toset(["arn:aws-us-gov:sns:eu-central-1:111111111111:alarms"])
    error_message = "Alarms go to the region's own topic: ${jsonencode(aws_cloudwatch_event_rule.alarms)}"
  }
}

run "own_settings" {
  command = plan

  variables {
    link       = merge(var.link, { lambda = merge(var.link.lambda, { runtime = "nodejs20.x" }) })
    remediator = { timeout = 90, maximum_concurrency = 20, reserved_concurrency = 22, subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"], layers = ["arn:aws:lambda:eu-central-1:111111111111:layer:agent:1"], environment = { AGENT = "on" } }
    queue      = { max_receive_count = 3, retry_delay_seconds = 60, retention_days = 1, dead_letter_retention_days = 7 }
    alarms     = { topic_arns = ["arn:aws:sns:eu-central-1:111111111111:topic"], oldest_job_minutes = 5 }
  }

  assert {
    condition = alltrue([
      aws_sqs_queue.jobs.visibility_timeout_seconds == 540,
      aws_sqs_queue.delayed.visibility_timeout_seconds == 540,
      aws_sqs_queue.delayed.message_retention_seconds == 24 * 3600,
      aws_sqs_queue.delayed_dead_letters.message_retention_seconds == 7 * 24 * 3600,
      jsondecode(aws_sqs_queue.delayed.redrive_policy).maxReceiveCount == 3,
      aws_sqs_queue.jobs.message_retention_seconds == 24 * 3600,
      aws_sqs_queue.dead_letters.message_retention_seconds == 7 * 24 * 3600,
      jsondecode(aws_sqs_queue.jobs.redrive_policy).maxReceiveCount == 3,
      module.remediator.environment.MAX_RECEIVE_COUNT == "3",
      module.remediator.environment.RETRY_DELAY_SECONDS == "60",
      aws_lambda_event_source_mapping.jobs.scaling_config[0].maximum_concurrency == 20,
      module.alarms.alarms["oldest-job"].threshold == 300,
      module.alarms.combined["jobs-waiting"].alarm_actions == toset(["arn:aws:sns:eu-central-1:111111111111:topic"]),
      strcontains(module.remediator.policy, "ec2:CreateNetworkInterface"),
      module.remediator.environment.AGENT == "on",
      module.remediator.runtime == "nodejs20.x",
      module.remediator.layers == tolist(["arn:aws:lambda:eu-central-1:111111111111:layer:agent:1"]),
    ])
    error_message = "Settings of the queue, the function and the alarms must reach them."
  }
}

run "without_alarms" {
  command = plan

  variables {
    alarms = { enabled = false }
  }

  assert {
    condition     = length(module.alarms.alarms) == 0 && length(aws_cloudwatch_event_rule.alarms) == 0
    error_message = "Without alarms, nothing must be created for them."
  }
}

run "count_0_creates_nothing" {
  command = plan

  module {
    source = "./test/counted"
  }

  variables {
    create = false
  }

  assert {
    condition     = output.instances == 0
    error_message = "The module must support count = 0."
  }
}

run "an_operator_pauses" {
  state_key = "region"

  module {
    source = "./test/paused"
  }

  assert {
    condition     = aws_ssm_parameter.pause.value == "all"
    error_message = "The next run needs this."
  }
}

run "an_apply_keeps_the_pause" {
  command   = plan
  state_key = "region"

  assert {
    condition     = aws_ssm_parameter.pause.value == "all"
    error_message = "An apply must not end what an operator has paused."
  }
}

run "the_deployment_is_found_from_every_region" {
  command = plan

  assert {
    condition     = aws_ssm_parameter.home_region.name == "/cspm-auto-remediation/home-region" && aws_ssm_parameter.home_region.insecure_value == "us-east-1"
    error_message = "A parameter must name the home region: ${jsonencode(aws_ssm_parameter.home_region)}"
  }
}
