output "role_arn" {
  description = "The role that the remediators assume in the account."
  value       = module.target.role_arn
}
