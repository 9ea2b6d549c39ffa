locals {
  # This region's KMS key for each use; null: an AWS managed key.
  own_keys = {
    for use in ["token", "topic", "queues", "logs", "buckets", "evidence", "table"] : use => try(module.settings.keys[local.home_region][use], null)
  }

  # The collector sends jobs to the queues of all regions.
  queue_keys = { for region, keys in module.settings.keys : region => keys.queues if keys.queues != null }

  # In China and in the European Sovereign Cloud, AWS can name a service by its domain there.
  domains = concat(["amazonaws.com"], [for partition, domain in { aws-cn = "amazonaws.com.cn", aws-eusc = "amazonaws.eu" } : domain if partition == local.partition])

  # Permissions of the functions' roles to use the keys, each only through its service.
  key_statements = {
    secret = local.own_keys.token == null ? [] : [{
      Action    = ["kms:Decrypt"]
      Resource  = [local.own_keys.token]
      Condition = { StringEquals = { "kms:ViaService" = [for domain in local.domains : "secretsmanager.${local.home_region}.${domain}"] } }
    }]
    queues = length(local.queue_keys) == 0 ? [] : [{
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = distinct(values(local.queue_keys))
      Condition = { StringEquals = { "kms:ViaService" = flatten([for region in keys(local.queue_keys) : [for domain in local.domains : "sqs.${region}.${domain}"]]) } }
    }]
    own_queues = local.own_keys.queues == null ? [] : [{
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = [local.own_keys.queues]
      Condition = { StringEquals = { "kms:ViaService" = [for domain in local.domains : "sqs.${local.home_region}.${domain}"] } }
    }]
    table = local.own_keys.table == null ? [] : [{
      Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
      Resource  = [local.own_keys.table]
      Condition = { StringEquals = { "kms:ViaService" = [for domain in local.domains : "dynamodb.${local.home_region}.${domain}"] } }
    }]
    # For readers of both buckets.
    read_buckets = [for key in distinct(compact([local.own_keys.buckets, local.own_keys.evidence])) : {
      Action    = ["kms:Decrypt"]
      Resource  = [key]
      Condition = { StringEquals = { "kms:ViaService" = [for domain in local.domains : "s3.${local.home_region}.${domain}"] } }
    }]
    evidence = local.own_keys.evidence == null ? [] : [{
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = [local.own_keys.evidence]
      Condition = { StringEquals = { "kms:ViaService" = [for domain in local.domains : "s3.${local.home_region}.${domain}"] } }
    }]
  }
}
