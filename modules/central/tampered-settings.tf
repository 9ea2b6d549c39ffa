# Detects settings that someone else has written, if the bucket has a KMS key. Without one, the objects' ETags show it, and an apply
# corrects them. An object that someone else wrote has a different SHA-256 checksum, or none.

locals {
  # Unknown while Terraform is about to write an object. A check block would warn about that at each change of settings, and
  # fail `terraform test`, so this is an output.
  tampered_settings = local.own_keys.buckets == null ? [] : compact(concat(
    [aws_s3_object.accounts.version_id == null || aws_s3_object.accounts.checksum_sha256 == base64sha256(local.account_settings) ? "" : "accounts.json"],
    [
      for id, settings in local.rule_settings :
      aws_s3_object.rule[id].version_id == null || aws_s3_object.rule[id].checksum_sha256 == base64sha256(settings) ? "" : "rules/${id}.json"
    ],
  ))
}
