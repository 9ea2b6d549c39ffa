variable "of" {
  description = "The module whose inputs these are, as `shapes.json` names it."
  type        = string
  nullable    = false
}

variable "given" {
  description = "The inputs by name, each as it was given."
  type        = any
  nullable    = false
}

variable "refuse" {
  description = "Whether a mistake ends the plan here; if not, the caller says it, together with its own."
  type        = bool
  default     = true
  nullable    = false
}
