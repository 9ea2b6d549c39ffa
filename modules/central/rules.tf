variable "rules" {
  description = "The rules to enable, by id or legacy id (`CIS-1-2-0-4-1`); a plan names every mistake in them at once, misspelt words included."
  # The type is that of `rules` in modules/_settings/typed. Here it would drop misspelt words before anyone saw them.
  type     = any
  nullable = false
}

variable "account_groups" {
  description = "Account ids by group name, so that each id is written once: `{ production = [\"111111111111\"] }`; an account may be in several groups."
  type        = map(set(string))
  default     = {}
  nullable    = false
}

variable "accounts" {
  description = "The only accounts that any rule is on for, narrowed further by a rule's own `accounts`; empty: all accounts."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "excluded_accounts" {
  description = "Accounts that every rule is off for, whatever else is said of them."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "excluded_groups" {
  description = "Account groups that every rule is off for, whatever else is said of their accounts."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "mode_by_account" {
  description = "The highest mode of any rule in single accounts: `{ \"111111111111\" = \"dry_run\" }`; it only lowers a rule's mode, and takes precedence over `mode_by_group`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "mode_by_group" {
  description = "The highest mode of any rule in the accounts of a group: `{ production = \"dry_run\" }`; it only lowers a rule's mode, and of several groups the lowest counts."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "new_accounts" {
  description = "The highest mode of any rule in accounts that joined the organization recently; null: new accounts are like all others."
  type = object({
    # The most that any rule does there: off, dry_run or enforce.
    mode = optional(string, "dry_run")
    # For how many days after the account joined. Then its groups' modes count.
    days = optional(number, 14)
    # When each account joined, such as 2026-05-04T08:00:00Z: `joined_timestamp` of `aws_organizations_account`.
    joined = map(string)
  })
  default = null
}

module "settings" {
  source = "../_settings"

  rules              = var.rules
  accounts           = var.accounts
  excluded_accounts  = var.excluded_accounts
  account_groups     = var.account_groups
  excluded_groups    = var.excluded_groups
  mode_by_account    = var.mode_by_account
  mode_by_group      = var.mode_by_group
  new_accounts       = var.new_accounts
  schedule           = var.schedule
  partition          = local.partition
  regions            = local.regions
  home_region        = local.home_region
  encryption         = var.encryption
  delivery_role_name = "${trimprefix(var.iam.target_role_path, "/")}${var.name}-flow-logs"
}

locals {
  vocabulary = jsondecode(file("${path.module}/../catalog.json"))
  catalog    = local.vocabulary.rules

  rules_by_id  = module.settings.rules
  polled_rules = { for id, rule in local.rules_by_id : id => rule if contains(module.settings.polled, id) }
}
