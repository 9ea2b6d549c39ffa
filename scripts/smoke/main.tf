# What scripts/smoke.ts applies: the root module for one account with one rule, and one violation. A destroy
# removes everything, including the evidence.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

provider "aws" {}

module "smoke" {
  source = "../.."

  name            = var.name
  netskope_tenant = "smoke-test-without-a-tenant"
  api_token       = "no-token-because-nobody-is-asked"
  rules           = { security-group-ssh-open = { mode = var.mode } }

  # Never: the test sends jobs itself, as the collector would.
  schedule         = { expression = "cron(0 0 1 1 ? 2199)" }
  evidence         = { force_destroy = true }
  api_token_secret = { recovery_days = 0 }
  notifications    = { each_finding = true }
  dashboard        = false
}

# trivy:ignore:AVD-AWS-0178 empty, and destroyed within minutes
resource "aws_vpc" "smoke" {
  # checkov:skip=CKV2_AWS_11: empty, and destroyed within minutes
  # checkov:skip=CKV2_AWS_12: empty, and destroyed within minutes
  cidr_block = "10.255.255.0/28"
  tags       = { Name = var.name }
}

resource "aws_security_group" "violating" {
  # checkov:skip=CKV2_AWS_5: attached to no instance, so that it opens nothing
  name        = var.name
  description = "The violation of a smoke test, attached to no instance"
  vpc_id      = aws_vpc.smoke.id
}

# The test changes it and restores it.
# trivy:ignore:AVD-AWS-0107 the violation that the test fixes
resource "aws_vpc_security_group_ingress_rule" "ssh" {
  # checkov:skip=CKV_AWS_24: the violation that the test fixes
  security_group_id = aws_security_group.violating.id
  description       = "SSH open to the world"
  ip_protocol       = "tcp"
  from_port         = 20
  to_port           = 25
  cidr_ipv4         = "0.0.0.0/0"
}

# Receives the notifications that people would get by email.
resource "aws_sqs_queue" "heard" {
  name                    = "${var.name}-heard"
  sqs_managed_sse_enabled = true
}

resource "aws_sqs_queue_policy" "heard" {
  queue_url = aws_sqs_queue.heard.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.heard.arn
      Condition = { ArnEquals = { "aws:SourceArn" = module.smoke.notifications_topic_arn } }
    }]
  })
}

resource "aws_sns_topic_subscription" "heard" {
  topic_arn = module.smoke.notifications_topic_arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.heard.arn

  depends_on = [aws_sqs_queue_policy.heard]
}
