mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules = {
    security-group-ssh-open = { mode = "enforce" }
    s3-bucket-public        = {}
  }
}

run "enabled_creates" {
  command = plan

  assert {
    condition     = toset(keys(aws_scheduler_schedule.rule)) == toset(["s3-bucket-public", "security-group-ssh-open"])
    error_message = "Each rule needs a schedule."
  }

  assert {
    condition     = strcontains(aws_scheduler_schedule.rule["s3-bucket-public"].target[0].input, "\"<aws.scheduler.scheduled-time>\"")
    error_message = "The scheduler's keyword must be in the input unescaped: ${aws_scheduler_schedule.rule["s3-bucket-public"].target[0].input}"
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.rule["s3-bucket-public"].target[0].input).rule == "s3-bucket-public"
    error_message = "The input must name the rule."
  }

  assert {
    condition     = length(aws_secretsmanager_secret.api_token) == 1 && length(aws_secretsmanager_secret_version.api_token) == 1
    error_message = "A token needs a secret."
  }

  assert {
    condition = toset(keys(module.alarms.alarms)) == toset([
      "checks-missing", "collector-errors", "findings-unprocessable", "notifications-dead-letters", "polls-dead-letters", "polls-dropped", "polls-failed",
      "polls-failing", "polls-overdue", "polls-skipped",
    ]) && keys(module.alarms.combined) == ["rules-not-polled"]
    error_message = "Alarms are on by default: ${join(", ", keys(module.alarms.alarms))}"
  }

  assert {
    condition     = jsondecode(output.settings.rules["s3-bucket-public"]).mode == "dry_run" && jsondecode(output.settings.rules["security-group-ssh-open"]).mode == "enforce"
    error_message = "A rule's default mode is dry_run."
  }

  assert {
    condition     = output.settings.rules["s3-bucket-public"] == "{\"accounts\":[],\"breaker\":{\"changes\":5,\"failed_percent\":50},\"excluded_accounts\":[],\"excluded_groups\":[],\"exemptions\":[],\"limits\":{\"per_account_per_hour\":50,\"per_rule_per_hour\":200},\"method\":\"api\",\"mode\":\"dry_run\",\"mode_by_account\":{},\"mode_by_group\":{},\"options\":{},\"poll_minutes\":60,\"rule\":\"s3-bucket-public\",\"runbook_then\":\"api\",\"version\":2}"
    error_message = "Settings must contain what the remediators read, and only options that were set: ${output.settings.rules["s3-bucket-public"]}"
  }

  assert {
    condition     = output.netskope_url == "https://acme.goskope.com"
    error_message = "The tenant's address is ${output.netskope_url}."
  }

  assert {
    condition     = output.link.regions == tolist(["eu-central-1"]) && output.link.external_id == "cspm-auto-remediation-111111111111" && output.link.target_role_name == "cspm-auto-remediation-remediation"
    error_message = "The link must contain the home region, the external id and the target role's name."
  }

  assert {
    condition     = aws_s3_bucket.evidence[0].bucket == "cspm-auto-remediation-evidence-111111111111-eu-central-1" && !aws_s3_bucket.evidence[0].force_destroy
    error_message = "A destroy must not delete evidence."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.evidence[0].block_public_acls,
      aws_s3_bucket_public_access_block.evidence[0].block_public_policy,
      aws_s3_bucket_public_access_block.evidence[0].ignore_public_acls,
      aws_s3_bucket_public_access_block.evidence[0].restrict_public_buckets,
      aws_s3_bucket_versioning.evidence[0].versioning_configuration[0].status == "Enabled",
    ])
    error_message = "Evidence is private and versioned."
  }
}

run "disabled_creates_nothing" {
  command = plan

  variables {
    api_token        = null
    api_token_secret = { create = false, arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mine-AbCdEf" }
    alarms           = { enabled = false }
    evidence         = { create_bucket = false, bucket = "ours" }
    event_bus        = { create = false, name = "ours" }
    notifications    = { create_topic = false, topic_arn = "arn:aws:sns:eu-central-1:111111111111:ours", each_finding = true }
    rules = {
      security-group-ssh-open = { mode = "off" }
    }
  }

  # Existing resources are used, and not changed.
  assert {
    condition = alltrue([
      length(concat(aws_s3_bucket.evidence, aws_s3_bucket_policy.evidence, aws_s3_bucket_lifecycle_configuration.evidence, aws_s3_bucket_versioning.evidence, aws_s3_bucket_server_side_encryption_configuration.evidence)) == 0,
      length(aws_cloudwatch_event_bus.this) == 0 && length(aws_sns_topic.notifications) == 0 && length(aws_sns_topic_policy.notifications) == 0,
      output.link.evidence_bucket == "ours" && module.collector.environment.EVIDENCE_BUCKET == "ours" && strcontains(module.collector.policy, "\"arn:aws:s3:::ours/polls/*\""),
      output.link.event_bus_arn == "arn:aws:events:eu-central-1:111111111111:event-bus/ours" && module.collector.environment.EVENT_BUS_ARN == output.link.event_bus_arn && output.event_bus_name == "ours",
      output.notifications_topic_arn == "arn:aws:sns:eu-central-1:111111111111:ours",
      alltrue([for target in aws_cloudwatch_event_target.notifications : target.arn == "arn:aws:sns:eu-central-1:111111111111:ours"]),
      toset([for rule in aws_cloudwatch_event_rule.notifications : rule.event_bus_name]) == toset(["default", "ours"]),
      # Alarms of other deployments send no notifications.
      jsondecode(aws_cloudwatch_event_rule.notifications["regional-alarms"].event_pattern).detail.alarmName == [{ prefix = "cspm-auto-remediation-" }],
    ])
    error_message = "Existing resources must be used: ${jsonencode(output.link)}"
  }

  assert {
    condition     = length(aws_scheduler_schedule.rule) == 0
    error_message = "A rule that is off must not be polled."
  }

  assert {
    condition     = length(aws_secretsmanager_secret.api_token) == 0 && output.api_token_secret_arn == "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mine-AbCdEf"
    error_message = "An existing secret is used unchanged."
  }

  assert {
    condition     = length(module.alarms.alarms) == 0 && length(module.alarms.combined) == 0 && length(aws_cloudwatch_metric_alarm.items_unmatched) == 0
    error_message = "Alarms can be left out."
  }

  assert {
    condition     = jsondecode(output.settings.rules["security-group-ssh-open"]).mode == "off"
    error_message = "Settings must tell pending jobs that the rule is off."
  }
}

run "count_0_creates_nothing" {
  command = plan

  variables {
    create = false
  }

  module {
    source = "./test/counted"
  }

  assert {
    condition     = output.instances == 0
    error_message = "The module must support count = 0."
  }
}

run "on_for_one_account_is_polled" {
  command = plan

  variables {
    rules = {
      security-group-ssh-open = { mode = "off", mode_by_account = { "222222222222" = "enforce" } }
    }
  }

  assert {
    condition     = length(aws_scheduler_schedule.rule) == 1
    error_message = "A rule that is on for one account must be polled."
  }
}

run "own_schedule_names_options_and_exemptions" {
  command = plan

  variables {
    schedule = { expression = "cron(0 6 ? * MON-FRI *)", time_zone = "Europe/Berlin", flexible_window_minutes = 0 }
    rules = {
      security-group-ssh-open = {
        mode                = "enforce"
        schedule_expression = "rate(30 minutes)"
        netskope_rule_names = ["Our own <SSH> rule"]
        method              = "runbook"
        runbook_then        = "report"
        options             = { all_traffic = "revoke" }
        exemptions          = [{ account = "222222222222", resource = "sg-*", reason = "bastion", owner = "network team", expires = "2099-02-28" }]
      }
      s3-bucket-public = {}
    }
  }

  assert {
    condition     = aws_scheduler_schedule.rule["security-group-ssh-open"].schedule_expression == "rate(30 minutes)" && aws_scheduler_schedule.rule["s3-bucket-public"].schedule_expression == "cron(0 6 ? * MON-FRI *)"
    error_message = "A rule's own schedule takes precedence."
  }

  assert {
    condition     = aws_scheduler_schedule.rule["s3-bucket-public"].flexible_time_window[0].mode == "OFF"
    error_message = "No window means no window."
  }

  assert {
    condition     = jsondecode(aws_scheduler_schedule.rule["security-group-ssh-open"].target[0].input).netskope_rule_names == ["Our own <SSH> rule"]
    error_message = "Additional names must reach the collector unchanged."
  }

  assert {
    condition = jsondecode(output.settings.rules["security-group-ssh-open"]) == {
      version           = 2
      rule              = "security-group-ssh-open"
      mode              = "enforce"
      mode_by_account   = {}
      mode_by_group     = {}
      accounts          = []
      excluded_accounts = []
      excluded_groups   = []
      method            = "runbook"
      runbook_then      = "report"
      poll_minutes      = 30
      limits            = { per_account_per_hour = 50, per_rule_per_hour = 200 }
      breaker           = { changes = 5, failed_percent = 50 }
      options           = { all_traffic = "revoke" }
      exemptions        = [{ account = "222222222222", region = "*", resource = "sg-*", reason = "bastion", owner = "network team", expires = "2099-02-28" }]
    }
    error_message = "Settings: ${output.settings.rules["security-group-ssh-open"]}"
  }
}

# The settings of both functions. The tests of _function cover the function, and those of per-region the way from `link` to the
# remediator. The function is not planned here, because the oldest version of the provider does not support a later runtime.
run "runtime_and_layers_reach_both_functions" {
  command = plan

  override_module {
    target = module.collector
    outputs = {
      name           = "collector"
      arn            = "arn:aws:lambda:eu-central-1:111111111111:function:collector"
      role_arn       = "arn:aws:iam::111111111111:role/collector"
      role_name      = "collector"
      log_group_name = "/aws/lambda/collector"
      log_group_arn  = "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/lambda/collector"
    }
  }

  variables {
    lambda    = { runtime = "nodejs24.x" }
    collector = { layers = ["arn:aws:lambda:eu-central-1:111111111111:layer:agent:1"] }
  }

  assert {
    condition     = local.collector_settings.runtime == "nodejs24.x" && output.link.lambda.runtime == "nodejs24.x"
    error_message = "Runtimes: ${local.collector_settings.runtime} and ${output.link.lambda.runtime}"
  }

  assert {
    condition     = local.collector_settings.layers == tolist(["arn:aws:lambda:eu-central-1:111111111111:layer:agent:1"])
    error_message = "Layers: ${jsonencode(local.collector_settings.layers)}"
  }
}

run "tenant_with_domain" {
  command = plan
  variables {
    netskope_tenant = "acme.eu"
  }
  assert {
    condition     = output.netskope_url == "https://acme.eu.goskope.com"
    error_message = "The tenant's address is ${output.netskope_url}."
  }
}

run "tenant_as_host_name" {
  command = plan
  variables {
    netskope_tenant = "acme.eu.goskope.com"
  }
  assert {
    condition     = output.netskope_url == "https://acme.eu.goskope.com"
    error_message = "The tenant's address is ${output.netskope_url}."
  }
}

run "in_another_partition" {
  command = plan

  override_data {
    target = data.aws_partition.this
    values = { partition = "aws-us-gov" }
  }

  override_data {
    target = data.aws_region.this
    values = { id = "us-gov-west-1" }
  }

  variables {
    regions = ["us-gov-east-1", "us-gov-west-1"]
  }

  assert {
    condition     = output.link.partition == "aws-us-gov" && strcontains(module.collector.policy, "arn:aws-us-gov:sqs:us-gov-east-1:111111111111:cspm-auto-remediation-jobs.fifo")
    error_message = "ARNs must have the partition: ${module.collector.policy}"
  }

  assert {
    condition     = alltrue([for arn in jsondecode(aws_cloudwatch_event_rule.notifications["alarms"].event_pattern).resources : startswith(try(arn.prefix, arn), "arn:aws-us-gov:cloudwatch:us-gov-west-1:")])
    error_message = "Alarms: ${aws_cloudwatch_event_rule.notifications["alarms"].event_pattern}"
  }
}

run "in_the_european_sovereign_cloud" {
  command = plan

  override_data {
    target = data.aws_partition.this
    values = { partition = "aws-eusc" }
  }

  override_data {
    target = data.aws_region.this
    values = { id = "eusc-de-east-1" }
  }

  variables {
    regions       = ["eusc-de-east-1"]
    region_labels = { Brandenburg = "eusc-de-east-1" }
    encryption    = { eusc-de-east-1 = { queues = "arn:aws-eusc:kms:eusc-de-east-1:111111111111:key/queues" } }
  }

  assert {
    condition     = output.link.partition == "aws-eusc" && strcontains(module.collector.policy, "arn:aws-eusc:sqs:eusc-de-east-1:111111111111:cspm-auto-remediation-jobs.fifo")
    error_message = "ARNs must have the partition: ${module.collector.policy}"
  }

  # AWS does not document which of the two domains a service has there.
  assert {
    condition     = strcontains(module.collector.policy, "\"sqs.eusc-de-east-1.amazonaws.com\",\"sqs.eusc-de-east-1.amazonaws.eu\"")
    error_message = "Keys: ${module.collector.policy}"
  }
}

# modules/target names the role.
run "flow_logs_are_delivered_by_the_role_of_the_target" {
  command = plan

  variables {
    name  = "cure"
    iam   = { target_role_path = "/security/" }
    rules = { vpc-flow-logs-disabled = {} }
  }

  assert {
    condition     = jsondecode(output.settings.rules["vpc-flow-logs-disabled"]).options == { delivery_role_name = "security/cure-flow-logs" }
    error_message = "Settings: ${output.settings.rules["vpc-flow-logs-disabled"]}"
  }
}

run "flow_logs_are_delivered_by_an_own_role" {
  command = plan

  variables {
    rules = { vpc-flow-logs-disabled = { options = { delivery_role_name = "our-flow-logs" } } }
  }

  assert {
    condition     = jsondecode(output.settings.rules["vpc-flow-logs-disabled"]).options == { delivery_role_name = "our-flow-logs" }
    error_message = "Settings: ${output.settings.rules["vpc-flow-logs-disabled"]}"
  }
}

run "the_organization_reaches_the_remediators" {
  command = plan

  variables {
    organization_id = "o-a1b2c3d4e5"
  }

  assert {
    condition     = output.link.organization_id == "o-a1b2c3d4e5"
    error_message = "Link: ${jsonencode(output.link)}"
  }
}

run "no_organization" {
  command = plan

  variables {
    organization_id = "a1b2c3d4e5"
  }

  expect_failures = [var.organization_id]
}
