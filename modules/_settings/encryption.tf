# Your own KMS keys, by region.

locals {
  typed_keys = module.typed.encryption

  # Uses of keys that exist only in the home region.
  home_only = ["token", "topic", "buckets", "evidence", "table"]

  keys = {
    for region, keys in local.typed_keys : region => {
      for use in concat(local.home_only, ["queues", "logs"]) : use => (
        use == "evidence" ? try(coalesce(keys.evidence, keys.buckets, keys.all), null) : try(coalesce(keys[use], keys.all), null)
      )
    }
  }

  encryption_mistakes = flatten([
    for region, keys in local.typed_keys : concat(
      contains(var.regions, region) ? [] : ["encryption has the region \"${region}\": expected one of ${join(", ", var.regions)}"],
      [
        for use, key in keys : "encryption[\"${region}\"].${use} is \"${key}\": expected the ARN of a key of that region, such as arn:aws:kms:${region}:111111111111:key/…"
        if key != null && !can(regex("^arn:[a-z-]+:kms:${region}:[0-9]{12}:key/.+$", key))
      ],
      region == var.home_region ? [] : [
        for use in local.home_only : "encryption[\"${region}\"].${use} has no effect: expected it in the home region, ${var.home_region}" if keys[use] != null
      ],
    )
  ])
}
