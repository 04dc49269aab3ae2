# collector = "lambda": a function that polls during the minute of its start. Its zip, of the
# producer and yfinance, is built by `make deploy` before Terraform plans (infra/deploy/collector_package.py).

locals {
  collector_package = "${path.module}/../.chalice/collector/${var.architecture}.zip"
  collector_count   = var.collector == "lambda" ? 1 : 0
}

resource "aws_lambda_function" "collector" {
  #checkov:skip=CKV_AWS_50:Traced if `tracing` is set, as the other functions are
  #checkov:skip=CKV_AWS_115:A lease in DynamoDB lets one run send at a time; a new account cannot reserve executions
  #checkov:skip=CKV_AWS_116:A failed run is not repeated: the next minute's run does its work, and alarms report failures
  #checkov:skip=CKV_AWS_117:It needs only the internet and AWS's services, nothing in a VPC
  #checkov:skip=CKV_AWS_173:The variables name resources and settings; none is secret
  #checkov:skip=CKV_AWS_272:Built from wheels with locked hashes by the deployer, who would also sign it
  count = local.collector_count

  function_name                  = local.collector.name
  description                    = "Polls prices for a minute and sends them to ${local.prefix}."
  role                           = aws_iam_role.collector[0].arn
  runtime                        = local.collector.runtime
  handler                        = local.collector.handler
  architectures                  = [var.architecture]
  filename                       = local.collector_package
  source_code_hash               = try(filebase64sha256(local.collector_package), null)
  memory_size                    = local.collector.memory_mb
  timeout                        = local.collector.timeout_seconds
  reserved_concurrent_executions = coalesce(local.collector.reserved_concurrency, -1)

  environment {
    variables = merge(local.collector_sink, local.collector_settings, {
      STAGE         = var.stage
      SYMBOLS_TABLE = aws_dynamodb_table.data["symbols"].name
    })
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  depends_on = [aws_cloudwatch_log_group.collector, aws_iam_role_policy.collector]
}

# A failed or late start is useless a minute later: the next one is due by then.
resource "aws_lambda_function_event_invoke_config" "collector" {
  count = local.collector_count

  function_name                = aws_lambda_function.collector[0].function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_cloudwatch_event_rule" "collector" {
  count = local.collector_count

  name                = local.collector.name
  description         = "Starts the collector each minute; it looks itself which exchanges are open."
  schedule_expression = "rate(1 minute)"
}

resource "aws_lambda_permission" "collector" {
  count = local.collector_count

  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.collector[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.collector[0].arn
}

# Created after everything that a run needs, and destroyed before it.
resource "aws_cloudwatch_event_target" "collector" {
  count = local.collector_count

  rule = aws_cloudwatch_event_rule.collector[0].name
  arn  = aws_lambda_function.collector[0].arn

  depends_on = [aws_lambda_permission.collector, aws_lambda_function_event_invoke_config.collector]
}
