variable "name" {
  description = "The prefix of all names."
  type        = string
  nullable    = false
}

variable "alarms" {
  description = "The alarms on one metric each, by name."
  type = map(object({
    # What it means, and where to look.
    description = string
    namespace   = string
    metric      = string
    dimensions  = map(string)
    statistic   = string
    # The number above which it alarms.
    threshold = optional(number, 0)
    # The number below which it alarms instead, as it does without data: for what must be there in every period.
    minimum            = optional(number)
    period             = optional(number, 300)
    evaluation_periods = optional(number, 1)
    # How many of these periods it takes.
    datapoints = optional(number, 1)
    # Who tells people in its stead, so that one cause is one message: `alarm` (another one), `bus` (an event of the functions); or `topic`, where CloudWatch itself tells `own_topic_arns`.
    told_by = optional(string, "itself")
  }))
  nullable = false
}

variable "combined" {
  description = "Alarms on others, by name: in ALARM while one of `any` is, and none of `unless`, which reports the same cause."
  type = map(object({
    description = string
    any         = set(string)
    unless      = set(string)
  }))
  default  = {}
  nullable = false
}

variable "topic_arns" {
  description = "The user's topics, which get every alarm that no other alarm reports."
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
