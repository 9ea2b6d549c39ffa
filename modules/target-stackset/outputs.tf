output "stack_set_name" {
  description = "The StackSet's name."
  value       = aws_cloudformation_stack_set.this.name
}

output "role_name" {
  description = "The name of the role in each account."
  value       = module.policy.role_name
}

output "template" {
  description = "The CloudFormation template, as JSON: for accounts that the StackSet does not reach."
  value       = local.template_body
}

output "stack_set_arn" {
  description = "The StackSet's ARN."
  value       = aws_cloudformation_stack_set.this.arn
}
