locals {
  evidence_bucket = local.inputs.evidence.create_bucket ? "${var.name}-evidence-${local.account_id}-${local.home_region}" : local.inputs.evidence.bucket

  # Used by resources that must be created after the bucket.
  made_evidence_bucket     = local.inputs.evidence.create_bucket ? aws_s3_bucket.evidence[0].bucket : local.inputs.evidence.bucket
  made_evidence_bucket_arn = local.inputs.evidence.create_bucket ? aws_s3_bucket.evidence[0].arn : "arn:${local.partition}:s3:::${local.inputs.evidence.bucket}"
}

# Remembers the evidence bucket, so that a plan that would replace it fails before anything changes. Otherwise, the apply
# would delete other resources before the bucket's policy, below, denies the destroy.
resource "terraform_data" "evidence_bucket" {
  input            = local.evidence_bucket
  triggers_replace = local.inputs.evidence.force_destroy ? local.evidence_bucket : null

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = local.inputs.evidence.force_destroy || self.output == local.evidence_bucket
      error_message = "The evidence is in the bucket ${coalesce(self.output, "-")}, and this plan would replace it with ${local.evidence_bucket}: keep the name, account, and region. Otherwise, create a new deployment and remove the old one (docs/operations.md, \"Remove everything\"). To give up the evidence, apply evidence = { force_destroy = true } first."
    }
  }
}

# trivy:ignore:AVD-AWS-0089 users who need it can record reads with CloudTrail's data events
resource "aws_s3_bucket" "evidence" {
  # checkov:skip=CKV_AWS_18: users who need it can record reads with CloudTrail's data events
  # checkov:skip=CKV_AWS_144: evidence is versioned; users can add replication
  # checkov:skip=CKV_AWS_145: encrypted with S3's own key; a customer managed key costs money, so the user chooses it
  # checkov:skip=CKV2_AWS_62: outcomes are also published as events on the bus
  count = local.inputs.evidence.create_bucket ? 1 : 0

  bucket        = local.evidence_bucket
  force_destroy = local.inputs.evidence.force_destroy
  tags          = var.tags

  lifecycle {
    precondition {
      condition     = length(local.evidence_bucket) <= 63
      error_message = "The evidence bucket's name, \"${local.evidence_bucket}\", has ${length(local.evidence_bucket)} characters; S3 allows 63. Choose a `name` that is ${length(local.evidence_bucket) - 63} characters shorter."
    }
  }

  # The resource that remembers the bucket stays in the state as long as the bucket.
  depends_on = [terraform_data.evidence_bucket]
}

resource "aws_s3_bucket_public_access_block" "evidence" {
  count = local.inputs.evidence.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.evidence[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "evidence" {
  count = local.inputs.evidence.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.evidence[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "evidence" {
  count = local.inputs.evidence.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.evidence[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "evidence" {
  count = local.inputs.evidence.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.evidence[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.own_keys.evidence == null ? "AES256" : "aws:kms"
      kms_master_key_id = local.own_keys.evidence
    }

    # Reduces calls to KMS: one for many objects.
    bucket_key_enabled = local.own_keys.evidence != null
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "evidence" {
  count = local.inputs.evidence.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.evidence[0].id

  rule {
    id     = "retention"
    status = "Enabled"

    filter {}

    expiration {
      days = local.inputs.evidence.retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = local.inputs.evidence.noncurrent_days
    }

    dynamic "transition" {
      for_each = local.inputs.evidence.transitions

      content {
        days          = transition.value.days
        storage_class = transition.value.storage_class
      }
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

# S3 locks objects that are written from then on, in existing buckets too.
resource "aws_s3_bucket_object_lock_configuration" "evidence" {
  count = local.inputs.evidence.object_lock == null ? 0 : 1

  bucket = aws_s3_bucket_versioning.evidence[0].bucket

  rule {
    default_retention {
      mode = local.inputs.evidence.object_lock.mode
      days = local.inputs.evidence.object_lock.days
    }
  }
}

resource "aws_s3_bucket_logging" "evidence" {
  count = local.inputs.evidence.access_log == null ? 0 : 1

  bucket        = aws_s3_bucket.evidence[0].id
  target_bucket = local.inputs.evidence.access_log.bucket
  target_prefix = local.inputs.evidence.access_log.prefix

  lifecycle {
    # Each log file would be logged.
    precondition {
      condition     = local.inputs.evidence.access_log.bucket != local.evidence_bucket
      error_message = "evidence.access_log.bucket is \"${local.evidence_bucket}\", the evidence bucket itself: expected another bucket."
    }
  }
}

resource "aws_s3_bucket_policy" "evidence" {
  count = local.inputs.evidence.create_bucket ? 1 : 0

  bucket = aws_s3_bucket.evidence[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.evidence[0].arn, "${aws_s3_bucket.evidence[0].arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      local.inputs.evidence.force_destroy ? [] : [{
        Sid       = "KeptByDestroy"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:DeleteBucketPolicy"
        Resource  = aws_s3_bucket.evidence[0].arn
      }],
      [for statement in local.inputs.evidence.policy_statements : merge({ Resource = [aws_s3_bucket.evidence[0].arn, "${aws_s3_bucket.evidence[0].arn}/*"] }, statement)],
    )
  })

  # A destroy begins with this policy, whose deletion S3 denies, so that a bucket that is kept also keeps its configuration.
  # Otherwise, the configuration would be deleted before S3 refuses to delete a bucket that is not empty. In addition, S3 refuses to
  # change a policy while it changes the public access block.
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.evidence,
    aws_s3_bucket_logging.evidence,
    aws_s3_bucket_object_lock_configuration.evidence,
    aws_s3_bucket_ownership_controls.evidence,
    aws_s3_bucket_public_access_block.evidence,
    aws_s3_bucket_server_side_encryption_configuration.evidence,
    aws_s3_bucket_versioning.evidence,
  ]
}
