# Data that survives `make destroy`: the archive, and dead-lettered batches.
module "data_bucket" {
  source   = "./bucket"
  for_each = local.resources.buckets

  name               = "${local.prefix}-${each.key}-${local.account}"
  key_arn            = var.own_key ? aws_kms_key.own[0].arn : null
  older_version_days = var.retention_days.older_versions
  lifecycle_rules    = local.lifecycle_rules[each.key]
}

locals {
  # S3 refuses a rule whose objects would expire before their transition.
  raw_cold = var.retention_days.raw_cold < var.retention_days.raw ? var.retention_days.raw_cold : null

  lifecycle_rules = {
    archive = {
      raw            = { prefix = "raw/", cold = local.raw_cold, days = var.retention_days.raw }
      readings       = { prefix = "readings/", cold = local.raw_cold, days = var.retention_days.raw }
      ticks          = { prefix = "ticks/", days = var.retention_days.parquet }
      ticks_by_month = { prefix = "ticks_by_month/", days = var.retention_days.parquet }
      history_1d     = { prefix = "history_1d/", days = var.retention_days.parquet }
      history_1h     = { prefix = "history_1h/", days = var.retention_days.parquet }
      bars_1m        = { prefix = "bars_1m/", days = var.retention_days.parquet }
      quarantine     = { prefix = "quarantine/", days = var.retention_days.quarantine }
      results        = { prefix = "results/", days = var.retention_days.results }
    }
    failures = { given-up = { prefix = "aws/lambda/", days = var.retention_days.failures } }
  }
}

# Stages of older versions had the bucket without a count; Terraform moves only resources by itself.
moved {
  from = module.page_bucket
  to   = module.page_bucket[0]
}

# CloudFront reads the page, and S3 and CloudFront write logs, without our key.
module "page_bucket" {
  source = "./bucket"
  count  = local.has_page ? 1 : 0

  name               = "${local.prefix}-page-${local.account}"
  disposable         = true
  older_version_days = var.retention_days.older_versions

  statements = [{
    sid       = "PageThroughCloudFront"
    service   = "cloudfront.amazonaws.com"
    action    = "s3:GetObject"
    condition = { variable = "aws:SourceArn", value = aws_cloudfront_distribution.page[0].arn }
  }]
}

module "logs_bucket" {
  source = "./bucket"

  name               = "${local.prefix}-access-logs-${local.account}"
  disposable         = true
  takes_acls         = true
  older_version_days = 1
  lifecycle_rules    = { requests = { prefix = "", days = var.retention_days.access_logs } }

  statements = [{
    sid       = "LogsOfOurBuckets"
    service   = "logging.s3.amazonaws.com"
    action    = "s3:PutObject"
    condition = { variable = "aws:SourceAccount", value = local.account }
  }]
}

resource "aws_s3_bucket_logging" "buckets" {
  for_each = merge(
    { for key, bucket in module.data_bucket : key => bucket.name },
    { for bucket in module.page_bucket : "page" => bucket.name },
  )

  bucket        = each.value
  target_bucket = module.logs_bucket.name
  target_prefix = "s3/${each.key}/"
}
