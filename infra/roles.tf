# One role per function, with its own actions on its own resources: `permissions` in resources.json.

locals {
  # Actions that Lambda needs in the function's role to read its event source.
  trigger_actions = {
    stream       = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
    table-stream = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    queue        = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
  }

  # Event sources whose dead-lettered batches Lambda writes to the failures bucket, under its own keys.
  gives_up = ["stream", "table-stream"]

  triggers = {
    for key, function in local.functions : key => split("/", function.trigger)[0]
    if try(function.trigger, null) != null
  }

  statements = merge(
    { for key, function in local.functions : key => concat(
      local.own_statements[key],
      [{
        actions  = ["logs:CreateLogStream", "logs:PutLogEvents"]
        resource = "${aws_cloudwatch_log_group.functions[key].arn}:*"
      }],
      # X-Ray's actions do not support resources.
      var.tracing ? [{ actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resource = "*" }] : [],
      try([{ actions = local.trigger_actions[local.triggers[key]], resource = local.arns[function.trigger] }], []),
      # dynamodb:ListStreams does not support resources either.
      try(local.triggers[key], "") == "table-stream" ? [{ actions = ["dynamodb:ListStreams"], resource = "*" }] : [],
      contains(local.gives_up, try(local.triggers[key], "")) && try(function.dead_letters, true) ? [
        { actions = ["s3:PutObject"], resource = "${local.arns["bucket/failures"]}/aws/lambda/*" },
        { actions = ["s3:ListBucket"], resource = local.arns["bucket/failures"] },
      ] : [],
    ) },
  )

  own_statements = { for key, function in merge(local.functions, { producer = local.resources.producer, collector = local.resources.collector }) : key => [
    for named, actions in function.permissions : {
      actions  = actions
      resource = join("/", concat([local.arns[local.named[named].source]], local.named[named].rest))
    } if contains(keys(local.arns), local.named[named].source)
  ] }

  # "table/alerts/index/by_day" is the source "table/alerts" and the rest of its ARN.
  named = {
    for named in toset(flatten([
      [for function in values(local.resources.functions) : keys(function.permissions)],
      keys(local.resources.producer.permissions),
      keys(local.resources.collector.permissions),
      ])) : named => {
      source = join("/", slice(split("/", named), 0, 2))
      rest   = slice(split("/", named), 2, length(split("/", named)))
    }
  }
}

data "aws_iam_policy_document" "assumed_by_lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "functions" {
  for_each = local.functions

  dynamic "statement" {
    for_each = local.statements[each.key]

    content {
      actions   = statement.value.actions
      resources = [statement.value.resource]
    }
  }
}

resource "aws_iam_role" "functions" {
  for_each = local.functions

  name               = "${local.prefix}-${each.key}"
  description        = "What ${each.value.name} may do, and no more."
  assume_role_policy = data.aws_iam_policy_document.assumed_by_lambda.json

  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "functions" {
  for_each = local.functions

  name   = "own"
  role   = aws_iam_role.functions[each.key].id
  policy = data.aws_iam_policy_document.functions[each.key].json
}
