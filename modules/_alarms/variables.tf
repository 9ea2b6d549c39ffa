variable "name" {
  description = "The prefix of all names."
  type        = string
  nullable    = false
}

variable "alarms" {
  description = "Metric alarms, by name."
  type = map(object({
    # What the alarm means, and where to look.
    description = string
    namespace   = string
    metric      = string
    dimensions  = map(string)
    statistic   = string
    # The alarm fires above this value.
    threshold = optional(number, 0)
    # If set, the alarm fires below this value instead, or without data: for events that must occur in every period.
    minimum            = optional(number)
    period             = optional(number, 300)
    evaluation_periods = optional(number, 1)
    # The number of these periods that must breach.
    datapoints = optional(number, 1)
    # What notifies people, so that each cause sends one message: `itself`, `alarm` (another alarm), `bus` (an event that the functions publish), or `topic` (CloudWatch notifies `own_topic_arns` directly).
    told_by = optional(string, "itself")
  }))
  nullable = false
}

variable "combined" {
  description = "Composite alarms, by name: in ALARM while one of `any` is, and none of `unless`, which report the same cause."
  type = map(object({
    description = string
    any         = set(string)
    unless      = set(string)
  }))
  default  = {}
  nullable = false
}

variable "topic_arns" {
  description = "Your topics, which get every alarm that no other alarm reports."
  type        = list(string)
  nullable    = false
}

variable "own_topic_arns" {
  description = "The topic of notifications, for alarms that no event can report."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "tags" {
  description = "Tags on each alarm."
  type        = map(string)
  nullable    = false
}
