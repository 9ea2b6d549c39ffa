# Plans after an apply. Therefore, this one is applied, with mocks.

mock_provider "aws" {
  source = "../../test/lab/aws-mocks"
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = {}
}

run "deployed" {
}

# Otherwise, the destroy would be denied midway, after other resources were deleted.
run "another_name_is_refused" {
  command = plan

  variables {
    name = "other"
  }

  expect_failures = [terraform_data.evidence_bucket]
}

run "the_same_name_is_accepted" {
  command = plan
}

run "another_name_with_force_destroy" {
  command = plan

  variables {
    name     = "other"
    evidence = { force_destroy = true }
  }

  assert {
    condition     = aws_s3_bucket.evidence[0].bucket == "other-evidence-111111111111-eu-central-1"
    error_message = "Bucket: ${aws_s3_bucket.evidence[0].bucket}"
  }
}
