output "iam" {
  description = "What `iam` says, typed."
  value       = var.iam
}
