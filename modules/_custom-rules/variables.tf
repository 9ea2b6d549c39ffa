variable "custom_rules" {
  description = "The custom rules as the user wrote them, checked here so that misspelled attributes are reported; their types are in `typed/`."
  type        = any
  nullable    = false
}

variable "rules" {
  description = "The enabled rules with their additional Netskope names, so that no name is claimed twice; library rules also claim their own names; empty: unknown here."
  type        = map(list(string))
  default     = {}
  nullable    = false
}

variable "refuse" {
  description = "Whether a mistake fails the plan here; if not, the caller reports it together with its own."
  type        = bool
  default     = true
  nullable    = false
}
