# Describes the deployment and its names for the command line. In each region, another parameter names the home region, which
# contains this one (modules/per-region/deployment-parameter.tf).

locals {
  deployment = merge(
    {
      version     = 1
      module      = local.vocabulary.version
      name        = var.name
      account     = local.account_id
      partition   = local.partition
      home_region = local.home_region
      regions     = local.regions
      rules       = sort(keys(local.polled_rules))

      functions = { collector = local.collector_name, remediator = "${var.name}-remediator" }
      # Identifies the functions' code as that of this module version.
      code = { for name in ["collector", "remediator"] : name => filebase64sha256("${path.module}/../../dist/${name}.zip") }
      queues = {
        jobs                      = "${var.name}-jobs.fifo"
        jobs_dead_letters         = "${var.name}-jobs-dead-letters.fifo"
        jobs_delayed              = "${var.name}-jobs-delayed"
        jobs_delayed_dead_letters = "${var.name}-jobs-delayed-dead-letters"
        polls_dead_letters        = local.polls_dead_letters_name
      }
      findings_table  = local.findings_table
      evidence_bucket = local.evidence_bucket
      settings_bucket = local.settings_bucket
      schedule_group  = var.name
      target_role     = "${trimprefix(local.inputs.iam.target_role_path, "/")}${var.name}-remediation"
    },
    { for arn in local.topic_arns : "topic" => arn },
  )
}

resource "aws_ssm_parameter" "deployment" {
  # checkov:skip=CKV2_AWS_34: it contains names, no secrets
  name        = "/${var.name}/deployment"
  description = "The resources of ${var.name} and their names, for the command line cspm-remediation."
  type        = "String"
  tier        = "Standard"

  # Contains no secrets, so a plan can show changes.
  insecure_value = jsonencode(local.deployment)
  tags           = var.tags

  lifecycle {
    precondition {
      condition     = length(jsonencode(local.deployment)) <= 4096
      error_message = "The parameter /${var.name}/deployment would have ${length(jsonencode(local.deployment))} characters; Systems Manager allows 4096. Choose a shorter `name`."
    }
  }
}
