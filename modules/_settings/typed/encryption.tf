variable "encryption" {
  description = "Your KMS keys by region, in place of AWS's own; a misspelt word in it is a mistake at plan."
  type = map(object({
    # The key's ARN of everything in the region that has none of its own below. Null: AWS's own keys.
    all = optional(string)
    # The key of the API token's secret; home region only.
    token = optional(string)
    # The key of the notifications topic; home region only.
    topic = optional(string)
    # The key of the region's queues, dead letters among them.
    queues = optional(string)
    # The key of the functions' log groups in the region.
    logs = optional(string)
    # The key of the settings bucket and the evidence bucket; home region only.
    buckets = optional(string)
    # The key of the evidence bucket where it differs from `buckets`; home region only.
    evidence = optional(string)
    # The key of the findings table; home region only.
    table = optional(string)
  }))
  default  = {}
  nullable = false
}

output "encryption" {
  description = "The keys, typed."
  value       = var.encryption
}
