locals {
  # In ascending order.
  modes           = local.vocabulary.modes
  account_pattern = "^[0-9]{12}$"
  group_pattern   = "^[a-z][a-z0-9_-]*$"
  # A region code, a pattern with "*", or `global` for findings without a region.
  exempt_region_pattern = "^[a-z0-9*-]+$"

  # CIDRs that Terraform accepts, but AWS or the remediators do not: all addresses, numbers with a leading zero, and groups of more
  # than four digits.
  no_cidr_pattern = "/0|(^|\\.)0[0-9]+[./]|[0-9A-Fa-f]{5}"

  # The highest number of changes in `limits` and `breaker`. The functions accept no number that JavaScript cannot represent exactly.
  most = 1000000

  longest_vpc_id = "vpc-0123456789abcdef0"

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

  rate_pattern = "^rate\\([1-9][0-9]{0,4} (minutes?|hours?|days?)\\)$"
  # Fields: minutes, hours, day of month, month, day of week, year. Exactly one of the two day fields is "?".
  cron_pattern = format("^cron\\(%s %s (%s %s \\?|\\? %s %s) %s\\)$",
    "(\\*|[0-5]?[0-9])([,/-][0-5]?[0-9])*",
    "(\\*|[01]?[0-9]|2[0-3])([,/-]([01]?[0-9]|2[0-3]))*",
    local.cron_day_of_month, local.cron_month,
    local.cron_month, local.cron_day_of_week,
    "(\\*|${local.cron_year})(/[0-9]{1,3}|[,-]${local.cron_year})*",
  )
  # EventBridge Scheduler accepts 1970 to 2199. A schedule that only names past years would never start.
  cron_year         = "2(0[2-9]|1[0-9])[0-9]"
  cron_day_name     = "(SUN|MON|TUE|WED|THU|FRI|SAT)"
  cron_month_name   = "(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
  cron_day_of_month = "(\\*|L|LW|(0?[1-9]|[12][0-9]|3[01])W?)([,/-](0?[1-9]|[12][0-9]|3[01]))*"
  cron_month        = "(\\*|0?[1-9]|1[0-2]|${local.cron_month_name})([,/-](0?[1-9]|1[0-2]|${local.cron_month_name}))*"
  cron_day_of_week  = "(\\*|L|[1-7]L?|${local.cron_day_name}L?|[1-7]#[1-5]|${local.cron_day_name}#[1-5])([,/-]([1-7]|${local.cron_day_name}))*"
}
