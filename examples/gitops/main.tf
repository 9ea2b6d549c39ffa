# What is cured, where and with which exemptions, stands in rules.yaml: who wants a change opens a pull request, whose
# plan shows what it does, and whoever owns the file approves it. Mistakes fail at plan.
locals {
  rules = yamldecode(file("${path.module}/rules.yaml"))
}

module "cspm_auto_remediation" {
  # In a repository of your own:
  # source = "git::https://github.com/ORGANIZATION/REPOSITORY.git?ref=VERSION"
  source = "../.."

  netskope_tenant      = var.netskope_tenant
  api_token_secret_arn = var.api_token_secret_arn
  rules                = local.rules
}
