output "iam" {
  description = "`iam`, with types and defaults."
  value       = var.iam
}
