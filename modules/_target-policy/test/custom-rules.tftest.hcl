variables {
  security_account_id = "111111111111"
  account_id          = "222222222222"
  partition           = "aws"
}

run "more_than_iam_attaches_is_refused" {
  command = plan

  variables {
    custom_rules = { for n in range(11) : "rule-${n}" => { netskope_rule_names = ["N ${n}"], runbook = { document = "Acme" } } }
  }

  expect_failures = [output.custom_policies]
}

run "more_than_a_policy_takes_is_refused" {
  command = plan

  variables {
    custom_rules = { acme = {
      netskope_rule_names = ["N"]
      runbook             = { document = "Acme" }
      permissions = {
        undo = [for n in range(90) : { actions = ["rds:DescribeDBInstances"], resources = ["arn:{{partition}}:rds:{{region}}:{{account}}:db:number-${n}"] }]
      }
    } }
    undo = true
  }

  expect_failures = [output.custom_policies]
}
