variable "name" {
  description = "A prefix for names that nothing else in the account has."
  type        = string
}

variable "mode" {
  description = "`dry_run` or `enforce`."
  type        = string
}
