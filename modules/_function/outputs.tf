output "arn" {
  description = "The function's ARN."
  value       = aws_lambda_function.this.arn
}

output "name" {
  description = "The function's name."
  value       = aws_lambda_function.this.function_name
}

output "role_arn" {
  description = "The ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "The name of the function's role."
  value       = aws_iam_role.this.name
}

output "role_id" {
  description = "The unique id of the function's role, by which AWS names its sessions."
  value       = aws_iam_role.this.unique_id
}

output "policy" {
  description = "The policy of the function's role, as JSON."
  value       = local.policy
}

output "log_group_name" {
  description = "The name of the function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "environment" {
  description = "The function's environment variables."
  value       = aws_lambda_function.this.environment[0].variables
}

output "log_key_arn" {
  description = "The KMS key of the function's log group; null: CloudWatch Logs' own."
  value       = aws_cloudwatch_log_group.this.kms_key_id
}

output "log_group_arn" {
  description = "The ARN of the function's log group."
  value       = aws_cloudwatch_log_group.this.arn
}

output "runtime" {
  description = "The function's runtime."
  value       = aws_lambda_function.this.runtime
}

output "layers" {
  description = "The ARNs of the function's layers."
  value       = aws_lambda_function.this.layers
}
