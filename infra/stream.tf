resource "aws_kinesis_stream" "ticks" {
  for_each = toset(local.takes_kinesis ? [local.resources.stream.key] : [])

  name             = "${local.prefix}-${each.key}"
  shard_count      = var.kinesis.mode == "provisioned" ? coalesce(var.kinesis.shards, local.resources.stream.shards) : null
  retention_period = coalesce(var.kinesis.retention_hours, local.resources.stream.retention_hours)
  encryption_type  = "KMS"
  kms_key_id       = var.own_key ? aws_kms_key.own[0].arn : "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = upper(var.kinesis.mode)
  }
}
