# A deployment that is not at this address of the state is detected before anything changes.

mock_provider "aws" {
  source = "../../test/lab/aws-mocks"
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = {}
}

run "a_deployment_outside_the_state_is_refused" {
  command = plan

  override_data {
    target = data.aws_sqs_queues.polls_dead_letters
    values = { queue_urls = ["https://sqs.eu-central-1.amazonaws.com/111111111111/cspm-auto-remediation-polls-dead-letters"] }
  }

  expect_failures = [terraform_data.deployment]
}

# Version 0.1 did not store it.
run "an_adopted_deployment_is_accepted" {
  command = plan

  variables {
    adopt = true
  }

  override_data {
    target = data.aws_sqs_queues.polls_dead_letters
    values = { queue_urls = ["https://sqs.eu-central-1.amazonaws.com/111111111111/cspm-auto-remediation-polls-dead-letters"] }
  }
}

run "a_longer_name_is_another_deployment" {
  command = plan

  override_data {
    target = data.aws_sqs_queues.polls_dead_letters
    values = { queue_urls = ["https://sqs.eu-central-1.amazonaws.com/111111111111/cspm-auto-remediation-polls-dead-letters-2"] }
  }
}

run "deployed" {
}

run "its_own_queue_is_accepted" {
  command = plan

  override_data {
    target = data.aws_sqs_queues.polls_dead_letters
    values = { queue_urls = ["https://sqs.eu-central-1.amazonaws.com/111111111111/cspm-auto-remediation-polls-dead-letters"] }
  }
}
