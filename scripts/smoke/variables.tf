variable "name" {
  description = "A name that nothing else in the account begins with."
  type        = string
}

variable "mode" {
  description = "`dry_run` or `enforce`."
  type        = string
}
