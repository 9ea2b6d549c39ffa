# What the mocked provider of every module's tests answers: account 111111111111, region eu-central-1. A test overrides
# what it needs otherwise.

mock_data "aws_caller_identity" {
  defaults = { account_id = "111111111111" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_region" {
  defaults = { id = "eu-central-1" }
}

mock_data "aws_service_principal" {
  defaults = { name = "service.amazonaws.com" }
}

mock_resource "aws_lambda_function" {
  defaults = { arn = "arn:aws:lambda:eu-central-1:111111111111:function:mock" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111111111111:role/mock" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:eu-central-1:111111111111:mock" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::mock" }
}

mock_resource "aws_cloudwatch_event_bus" {
  defaults = { arn = "arn:aws:events:eu-central-1:111111111111:event-bus/mock" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-central-1:111111111111:log-group:mock" }
}

mock_resource "aws_scheduler_schedule_group" {
  defaults = { arn = "arn:aws:scheduler:eu-central-1:111111111111:schedule-group/mock" }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = {
    arn = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mock-AbCdEf"
    id  = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:mock-AbCdEf"
  }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-central-1:111111111111:mock" }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:eu-central-1:111111111111:rule/mock" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-central-1:111111111111:key/mock" }
}

mock_resource "aws_cloudformation_stack_set" {
  defaults = { arn = "arn:aws:cloudformation:eu-central-1:111111111111:stackset/mock" }
}
