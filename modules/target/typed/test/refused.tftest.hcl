# Mistakes must fail at plan, by the validation that names them.

run "mistakes" {
  command = plan
  variables {
    iam = { permissions_boundary_arn = "boundary" }
  }
  expect_failures = [var.iam]
}
