# Your own keys: this region's for queues and logs, the home region's for buckets and table.

locals {
  keys      = { for use in ["queues", "logs"] : use => try(var.link.keys[local.region][use], null) }
  home_keys = { for use in ["buckets", "evidence", "table"] : use => try(var.link.keys[var.link.home_region][use], null) }

  # In China and in the European Sovereign Cloud, AWS can name a service by its domain there.
  domains = concat(["amazonaws.com"], [for partition, domain in { aws-cn = "amazonaws.com.cn", aws-eusc = "amazonaws.eu" } : domain if partition == var.link.partition])

  # Services use a key with the permissions of their caller, so the role can use each key, but only through its service.
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
