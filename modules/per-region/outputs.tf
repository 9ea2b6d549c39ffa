output "region" {
  description = "The region's code, known once its queues, pause parameter, and remediator exist; pass it to `poll_after` of `central`."
  value       = local.region

  depends_on = [
    aws_lambda_event_source_mapping.delayed,
    aws_lambda_event_source_mapping.jobs,
    aws_ssm_parameter.pause,
  ]
}

output "queue_url" {
  description = "The queue of this region's jobs."
  value       = aws_sqs_queue.jobs.url
}

output "queue_arn" {
  description = "The queue's ARN."
  value       = aws_sqs_queue.jobs.arn
}

output "dead_letter_queue_url" {
  description = "The queue of jobs that failed after all attempts."
  value       = aws_sqs_queue.dead_letters.url
}

output "dead_letter_queue_arn" {
  description = "The dead-letter queue's ARN."
  value       = aws_sqs_queue.dead_letters.arn
}

output "remediator_function_name" {
  description = "The remediator's name."
  value       = module.remediator.name
}

output "remediator_role_arn" {
  description = "The remediator's role: what the target roles trust."
  value       = module.remediator.role_arn
}

output "remediator_log_group_name" {
  description = "The log group of the remediator."
  value       = module.remediator.log_group_name
}

output "pause_parameter_name" {
  description = "The parameter that stops enforcement in this region: set it to `all`, `all+undo`, rule ids or `account:` with an account id, separated by commas; `none` ends the pause, and any other value stops everything."
  value       = aws_ssm_parameter.pause.name
}

output "arns" {
  description = "The ARNs of the resources that this module creates, by kind and name, for your own policies and alarms."
  value = {
    functions  = { remediator = module.remediator.arn }
    roles      = merge({ remediator = module.remediator.role_arn }, { for role in aws_iam_role.alarms : "alarms" => role.arn })
    log_groups = { remediator = module.remediator.log_group_arn }
    queues = merge(
      {
        jobs                 = aws_sqs_queue.jobs.arn
        dead_letters         = aws_sqs_queue.dead_letters.arn
        delayed              = aws_sqs_queue.delayed.arn
        delayed_dead_letters = aws_sqs_queue.delayed_dead_letters.arn
      },
      { for queue in aws_sqs_queue.alarms_dead_letters : "alarms_dead_letters" => queue.arn },
    )
    parameters = { pause = aws_ssm_parameter.pause.arn }
  }
}
