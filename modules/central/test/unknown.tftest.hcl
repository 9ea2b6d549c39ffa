# Values that are created by the same apply: the secret and its key, account ids, options.

mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

run "are_not_needed_at_plan" {
  command = plan

  module {
    source = "./test/unknown"
  }

  assert {
    condition     = output.objects == ["s3-bucket-public", "security-group-ssh-open", "vpc-flow-logs-disabled"]
    error_message = "Objects: ${jsonencode(output.objects)}"
  }
}
