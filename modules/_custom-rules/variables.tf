variable "custom_rules" {
  description = "The custom rules as they were given, checked here so that a misspelled word is a mistake; their types are in `typed/`."
  type        = any
  nullable    = false
}

variable "rules" {
  description = "The rules that are enabled, with their further names in Netskope, so that no name is claimed twice; those of the library claim their own names, too; empty: not known here."
  type        = map(list(string))
  default     = {}
  nullable    = false
}

variable "refuse" {
  description = "Whether a mistake ends the plan here; if not, the caller says it, together with its own."
  type        = bool
  default     = true
  nullable    = false
}
