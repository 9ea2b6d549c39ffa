data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

locals {
  name = var.link.name
  # Provider 6 calls a region's code `region`, provider 5 `name`: `id` is the same in both.
  region = data.aws_region.this.id

  # Only in the partition `aws`, EventBridge routes events between regions, and event source mappings support tags.
  commercial   = var.link.partition == "aws"
  mapping_tags = local.commercial ? var.link.tags : null
}
