resource "aws_cloudwatch_log_group" "functions" {
  for_each = local.functions

  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = var.retention_days.logs
  kms_key_id        = var.own_key ? aws_kms_key.own[0].arn : null
}
