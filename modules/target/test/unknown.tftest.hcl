mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

run "a_module_that_depends_on_something_can_be_planned" {
  command = plan

  module {
    source = "./test/unknown"
  }

  assert {
    condition     = output.planned != ""
    error_message = "The role must be planned."
  }

  assert {
    condition     = output.flow_logs_role == null
    error_message = "The caller names another role."
  }
}
