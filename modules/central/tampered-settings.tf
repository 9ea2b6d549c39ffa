# Which settings someone else has written, where the bucket has a KMS key. Without one, the objects' ETags say so, and an
# apply puts them right. A write of someone else's leaves another SHA-256 checksum, or none.

locals {
  # Not known while Terraform itself is about to write an object. A check block would warn of that at each change of
  # settings, and end `terraform test`: so it is an output.
  tampered_settings = local.own_keys.buckets == null ? [] : compact(concat(
    [aws_s3_object.accounts.version_id == null || aws_s3_object.accounts.checksum_sha256 == base64sha256(local.account_settings) ? "" : "accounts.json"],
    [
      for id, settings in local.rule_settings :
      aws_s3_object.rule[id].version_id == null || aws_s3_object.rule[id].checksum_sha256 == base64sha256(settings) ? "" : "rules/${id}.json"
    ],
  ))
}
