# The collector of prices, if the stage has one (`collector`): its role and permissions.
# The function is in collector_function.tf, the container in collector_task.tf.

locals {
  collects = var.collector != "none"
  collector = merge(local.resources.collector, {
    name                 = "${local.prefix}-collector"
    memory_mb            = coalesce(try(var.functions.collector.memory_mb, null), local.resources.collector.memory_mb)
    timeout_seconds      = coalesce(try(var.functions.collector.timeout_seconds, null), local.resources.collector.timeout_seconds)
    reserved_concurrency = try(var.functions.collector.reserved_concurrency, null)
  })

  # If the stage has both stream and queue, the collector sends to the stream, as `make producer` does.
  collector_sink = local.takes_kinesis ? {
    TICKS_STREAM = one([for stream in aws_kinesis_stream.ticks : stream.name])
    } : {
    TICKS_QUEUE_URL = local.queues["ticks.fifo"].url
  }

  collector_settings = {
    for name, value in var.settings : name => value if startswith(name, "COLLECTOR_") && value != ""
  }

  # Lists of the symbols table: the container reports, but needs no lease or memory there.
  collector_lists = {
    for name, actions in local.resources.collector.lists : name => actions
    if var.collector == "lambda" || name != "collector"
  }

  collector_groups = { lambda = "/aws/lambda/${local.prefix}-collector", fargate = "/aws/ecs/${local.prefix}-collector" }
}

resource "aws_cloudwatch_log_group" "collector" {
  count = local.collects ? 1 : 0

  name              = local.collector_groups[var.collector]
  retention_in_days = var.retention_days.logs
  kms_key_id        = var.own_key ? aws_kms_key.own[0].arn : null
}

data "aws_iam_policy_document" "assumed_by_collector" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [var.collector == "fargate" ? "ecs-tasks.amazonaws.com" : "lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "collector" {
  count = local.collects ? 1 : 0

  dynamic "statement" {
    for_each = [
      for statement in local.own_statements.collector : statement
      if !(local.takes_kinesis && contains(statement.actions, "sqs:SendMessage"))
    ]

    content {
      actions   = statement.value.actions
      resources = [statement.value.resource]
    }
  }

  # Other lists of the same table hold symbols and compact's lease.
  dynamic "statement" {
    for_each = local.collector_lists

    content {
      actions   = statement.value
      resources = [local.arns["table/symbols"]]

      condition {
        test     = "ForAllValues:StringEquals"
        variable = "dynamodb:LeadingKeys"
        values   = [statement.key]
      }

      condition {
        test     = "Null"
        variable = "dynamodb:LeadingKeys"
        values   = ["false"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.collector == "lambda" ? [1] : []

    content {
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = ["${aws_cloudwatch_log_group.collector[0].arn}:*"]
    }
  }

  # X-Ray's actions do not support resources.
  dynamic "statement" {
    for_each = var.collector == "lambda" && var.tracing ? [1] : []

    content {
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role" "collector" {
  count = local.collects ? 1 : 0

  name                 = local.collector.name
  description          = "What the collector of ${local.prefix} may do, and no more."
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_collector.json
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "collector" {
  count = local.collects ? 1 : 0

  name   = "own"
  role   = aws_iam_role.collector[0].id
  policy = data.aws_iam_policy_document.collector[0].json
}
