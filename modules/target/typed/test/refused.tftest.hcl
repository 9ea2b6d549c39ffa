# Mistakes must fail at plan, by the validation that names them.

run "mistakes" {
  command = plan
  variables {
    iam = { permissions_boundary_arn = "boundary" }
  }
  expect_failures = [var.iam]
}

run "neither_a_delivery_role_nor_the_name_of_one" {
  command = plan
  variables {
    iam = { create_delivery_role = false }
  }
  expect_failures = [var.iam]
}

run "two_delivery_roles" {
  command = plan
  variables {
    iam = { create_delivery_role = true, delivery_role_name = "acme-flow-logs" }
  }
  expect_failures = [var.iam]
}
