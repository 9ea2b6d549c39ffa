# Your own keys: of this region for its queues and logs, of the home region for buckets and table.

locals {
  keys      = { for use in ["queues", "logs"] : use => try(var.link.keys[local.region][use], null) }
  home_keys = { for use in ["buckets", "evidence", "table"] : use => try(var.link.keys[var.link.home_region][use], null) }

  # In China a service may be named by AWS's domain there.
  domains = var.link.partition == "aws-cn" ? ["amazonaws.com", "amazonaws.com.cn"] : ["amazonaws.com"]

  # Each service uses the key in the name of who asks: so the role may, through that service alone.
  key_uses = [
    { key = local.keys.queues, by = "sqs.${local.region}", actions = ["kms:Decrypt", "kms:GenerateDataKey"] },
    { key = local.home_keys.buckets, by = "s3.${var.link.home_region}", actions = ["kms:Decrypt"] },
    { key = local.home_keys.evidence, by = "s3.${var.link.home_region}", actions = ["kms:Decrypt", "kms:GenerateDataKey"] },
    { key = local.home_keys.table, by = "dynamodb.${var.link.home_region}", actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"] },
  ]
  key_statements = [for use in local.key_uses : {
    Action    = use.actions
    Resource  = [use.key]
    Condition = { StringEquals = { "kms:ViaService" = [for domain in local.domains : "${use.by}.${domain}"] } }
  } if use.key != null]
}
