data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

locals {
  # Provider 6 calls a region's code `region`, provider 5 `name`: `id` is the same in both.
  home_region = data.aws_region.this.id
  account_id  = data.aws_caller_identity.this.account_id
  partition   = data.aws_partition.this.partition

  regions     = sort(coalesce(var.regions, [local.home_region]))
  external_id = coalesce(var.external_id, "${var.name}-${local.account_id}")

  metrics_namespace = "CspmAutoRemediation"
}
