mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

run "a_unit_of_the_same_apply" {
  command = plan

  module {
    source = "./test/unknown"
  }

  assert {
    condition     = terraform_data.unit.input == "unit"
    error_message = "The plan must succeed."
  }
}
