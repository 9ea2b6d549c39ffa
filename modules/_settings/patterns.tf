locals {
  # In ascending order.
  modes           = local.vocabulary.modes
  account_pattern = "^[0-9]{12}$"
  group_pattern   = "^[a-z][a-z0-9_-]*$"
  # A region code, a pattern with "*", or `global` for findings without a region.
  exempt_region_pattern = "^[a-z0-9*-]+$"

  # CIDRs that Terraform accepts, but AWS or the remediators do not: all addresses, and numbers with a leading zero.
  no_cidr_pattern = "/0|(^|\\.)0[0-9]+[./]"

  days                = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
  time_of_day_pattern = "([01][0-9]|2[0-3]):([0-5][0-9])"
  # A maintenance window as JSON: the days on which it opens, its start, and its end.
  maintenance_window_pattern = format(
    "^\\{\"days\":\\[\"(%s)\"(,\"(%s)\")*\\],\"end\":\"%s\",\"start\":\"%s\"\\}$",
    join("|", local.days), join("|", local.days), local.time_of_day_pattern, local.time_of_day_pattern,
  )

  # Descriptions of options that the catalog validates by a pattern.
  option_words = {
    delivery_role_name = "the name of a role, with its path, that ends with -flow-logs, such as security/acme-flow-logs"
    destination        = "cloud-watch-logs, or the ARN of an S3 bucket, with or without a folder, such as arn:aws:s3:::acme-flow-logs/vpc"
    kms_key_arn        = "the ARN of a key, such as arn:aws:kms:eu-central-1:111111111111:key/…, in which {region} stands for the VPC's region"
    log_group_name     = "a log group's name of letters, digits and _./#-, in which {vpc_id} stands for the VPC's id"
  }

  rate_pattern = "^rate\\([1-9][0-9]* (minutes?|hours?|days?)\\)$"
  # Fields: minutes, hours, day of month, month, day of week, year. Exactly one of the two day fields is "?".
  cron_pattern = format("^cron\\(%s %s (%s %s \\?|\\? %s %s) %s\\)$",
    "(\\*|[0-5]?[0-9])([,/-][0-5]?[0-9])*",
    "(\\*|[01]?[0-9]|2[0-3])([,/-]([01]?[0-9]|2[0-3]))*",
    local.cron_day_of_month, local.cron_month,
    local.cron_month, local.cron_day_of_week,
    "(\\*|[12][0-9]{3})([,/-][0-9]{1,4})*",
  )
  cron_day_of_month = "(\\*|L|LW|(0?[1-9]|[12][0-9]|3[01])W?)([,/-](0?[1-9]|[12][0-9]|3[01]))*"
  cron_month        = "(\\*|0?[1-9]|1[0-2]|[A-Z]{3})([,/-](0?[1-9]|1[0-2]|[A-Z]{3}))*"
  cron_day_of_week  = "(\\*|L|[1-7]L?|[A-Z]{3}L?|[1-7]#[1-5]|[A-Z]{3}#[1-5])([,/-]([1-7]|[A-Z]{3}))*"
}
