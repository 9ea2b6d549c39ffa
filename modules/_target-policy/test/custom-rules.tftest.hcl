variables {
  security_account_id = "111111111111"
  account_id          = "222222222222"
  partition           = "aws"
}

run "more_policies_than_iam_attaches_are_refused" {
  command = plan

  variables {
    custom_rules = { for n in range(11) : "rule-${n}" => { netskope_rule_names = ["N ${n}"], runbook = { document = "Acme" } } }
  }

  expect_failures = [output.custom_policies]
}
