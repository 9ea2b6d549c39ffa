mock_provider "aws" {
  source          = "./test/lab/aws-mocks"
  override_during = plan
}

run "a_root_that_depends_on_something_can_be_planned" {
  command = plan

  module {
    source = "./test/terraform/unknown"
  }

  assert {
    condition     = terraform_data.before.input == "before"
    error_message = "The plan must succeed."
  }
}
