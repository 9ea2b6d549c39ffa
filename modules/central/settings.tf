# The settings that the remediators read: one object per rule, and one for the accounts, in a bucket of the home region. S3 writes
# objects atomically, so no remediator reads a partial one, and a plan shows what changes in them.

locals {
  settings_bucket     = "${var.name}-settings-${local.account_id}-${local.home_region}"
  settings_bucket_arn = "arn:${local.partition}:s3:::${local.settings_bucket}"

  rule_settings    = module.settings.rule_settings
  account_settings = module.settings.account_settings
}

resource "aws_s3_object" "accounts" {
  bucket       = aws_s3_bucket.settings.id
  key          = "accounts.json"
  content      = local.account_settings
  content_type = "application/json"

  # If someone else has written an object, a plan shows a changed ETag, and an apply corrects it. With a KMS key, S3's ETag is
  # not an MD5, so checksums are compared instead (tampered-settings.tf).
  etag               = local.own_keys.buckets == null ? md5(local.account_settings) : null
  source_hash        = local.own_keys.buckets == null ? null : md5(local.account_settings)
  checksum_algorithm = local.own_keys.buckets == null ? null : "SHA256"

  # Without default tags, because an object can have at most ten. The bucket has all tags.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  # Nothing is written before the policy requires TLS and versioning is on.
  depends_on = [aws_s3_bucket_policy.settings, aws_s3_bucket_versioning.settings]
}

resource "aws_s3_object" "rule" {
  for_each = local.rule_settings

  bucket       = aws_s3_bucket.settings.id
  key          = "rules/${each.key}.json"
  content      = each.value
  content_type = "application/json"

  etag               = local.own_keys.buckets == null ? md5(each.value) : null
  source_hash        = local.own_keys.buckets == null ? null : md5(each.value)
  checksum_algorithm = local.own_keys.buckets == null ? null : "SHA256"

  override_provider {
    default_tags {
      tags = {}
    }
  }

  # Groups are written first, because remediators wait for a group that a rule names.
  depends_on = [aws_s3_object.accounts]
}

# trivy:ignore:AVD-AWS-0089 users who need it can record reads with CloudTrail's data events
resource "aws_s3_bucket" "settings" {
  # checkov:skip=CKV_AWS_18: users who need it can record reads with CloudTrail's data events
  # checkov:skip=CKV_AWS_144: Terraform recreates lost objects
  # checkov:skip=CKV_AWS_145: encrypted with S3's own key; a customer managed key costs money, so the user chooses it
  # checkov:skip=CKV2_AWS_62: each outcome names the versions of the settings that decided it
  bucket = local.settings_bucket

  # The configuration contains everything that is in the bucket.
  force_destroy = true
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(local.settings_bucket) <= 63
      error_message = "The settings bucket's name, \"${local.settings_bucket}\", has ${length(local.settings_bucket)} characters; S3 allows 63. Choose a `name` that is ${length(local.settings_bucket) - 63} characters shorter."
    }
  }
}

resource "aws_s3_bucket_public_access_block" "settings" {
  bucket = aws_s3_bucket.settings.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "settings" {
  bucket = aws_s3_bucket.settings.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "settings" {
  bucket = aws_s3_bucket.settings.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "settings" {
  bucket = aws_s3_bucket.settings.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.own_keys.buckets == null ? "AES256" : "aws:kms"
      kms_master_key_id = local.own_keys.buckets
    }

    # Reduces calls to KMS: one for many objects.
    bucket_key_enabled = local.own_keys.buckets != null
  }
}

# Keeps each version as long as the outcomes that name it.
resource "aws_s3_bucket_lifecycle_configuration" "settings" {
  bucket = aws_s3_bucket.settings.id

  rule {
    id     = "retention"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = local.inputs.evidence.retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "settings" {
  bucket = aws_s3_bucket.settings.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.settings_bucket_arn, "${local.settings_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      # Denies writes by the functions regardless of their own policies, because these settings control them.
      {
        Sid       = "NotByTheFunctions"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"]
        Resource  = ["${local.settings_bucket_arn}/*"]
        Condition = { ArnLike = { "aws:PrincipalArn" = [
          "arn:${local.partition}:iam::${local.account_id}:role${local.inputs.iam.path}${var.name}-collector",
          "arn:${local.partition}:iam::${local.account_id}:role${local.inputs.iam.path}${var.name}-remediator-*",
        ] } }
      },
    ]
  })

  # S3 refuses to change a policy while it changes the public access block.
  depends_on = [aws_s3_bucket_public_access_block.settings]
}
