variable "of" {
  description = "The module whose inputs these are, as `shapes.json` names it."
  type        = string
  nullable    = false
}

variable "given" {
  description = "The inputs by name, each as the user wrote it."
  type        = any
  nullable    = false
}

variable "refuse" {
  description = "Whether a mistake fails the plan here; if not, the caller reports it together with its own."
  type        = bool
  default     = true
  nullable    = false
}
