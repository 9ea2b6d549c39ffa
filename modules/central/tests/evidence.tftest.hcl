mock_provider "aws" {
  source          = "../../test/lab/aws-mocks"
  override_during = plan
}

variables {
  netskope_tenant = "acme"
  api_token       = "token"
  rules           = { s3-bucket-public = {} }
}

run "kept_by_a_destroy" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.evidence.policy).Statement : [statement.Sid, statement.Effect, statement.Action]
    ] == [["OnlyOverTls", "Deny", "s3:*"], ["KeptByDestroy", "Deny", "s3:DeleteBucketPolicy"]]
    error_message = "A destroy must be refused at the policy, with which it begins: ${aws_s3_bucket_policy.evidence.policy}"
  }
}

run "deleted_where_that_is_asked_for" {
  command = plan

  variables {
    evidence = { force_destroy = true }
  }

  assert {
    condition = aws_s3_bucket.evidence.force_destroy && [
      for statement in jsondecode(aws_s3_bucket_policy.evidence.policy).Statement : statement.Sid
    ] == ["OnlyOverTls"]
    error_message = "The bucket's policy may be deleted: ${aws_s3_bucket_policy.evidence.policy}"
  }
}
