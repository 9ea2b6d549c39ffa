output "role_arn" {
  description = "The role that the remediators assume in the account."
  value       = module.target.role_arn

  precondition {
    condition     = terraform_data.account.output == var.account_id
    error_message = "This is the state of account ${terraform_data.account.output}, not of ${var.account_id}: run `terraform init -reconfigure` with the key of ${var.account_id}."
  }
}
