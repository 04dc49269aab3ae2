# Names, keys and sizes are in resources.json, which the local provisioner reads too.

data "aws_caller_identity" "current" {
  lifecycle {
    postcondition {
      condition     = terraform.workspace == var.stage
      error_message = "The workspace is ${terraform.workspace}, the stage ${var.stage}: terraform workspace select -or-create ${var.stage}"
    }
  }
}

data "aws_partition" "current" {}

locals {
  resources = jsondecode(file("${path.module}/resources.json"))
  lake      = jsondecode(file("${path.module}/lake.json"))

  prefix    = "${local.resources.app}-${var.stage}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  tags = {
    app        = local.resources.app
    stage      = var.stage
    managed_by = "terraform"
  }

  takes_kinesis = var.kinesis.mode != "off"

  # The event sources that this stage has.
  sources = concat(
    local.takes_kinesis ? ["stream/ticks"] : [],
    var.sqs ? ["queue/ticks.fifo"] : [],
    ["table-stream/prices", "table-stream/alerts", "queue/deliveries"],
    var.push ? ["table-stream/state"] : [],
  )

  functions = {
    for key, function in local.resources.functions : key => merge(function, {
      # Chalice names the REST API's function by app and stage only.
      name                 = key == "api_handler" ? local.prefix : "${local.prefix}-${key}"
      memory_mb            = coalesce(try(var.functions[key].memory_mb, null), function.memory_mb)
      timeout_seconds      = coalesce(try(var.functions[key].timeout_seconds, null), function.timeout_seconds)
      reserved_concurrency = try(var.functions[key].reserved_concurrency, null)
    }) if try(contains(local.sources, function.trigger), true)
  }

  # The resources that permissions in resources.json name, by "kind/key".
  arns = merge(
    { for key, table in aws_dynamodb_table.data : "table/${key}" => table.arn },
    { for key, table in aws_dynamodb_table.data : "table-stream/${key}" => table.stream_arn if table.stream_enabled },
    { for key, bucket in module.data_bucket : "bucket/${key}" => bucket.arn },
    { for key, queue in local.queues : "queue/${key}" => queue.arn },
    { for key, stream in aws_kinesis_stream.ticks : "stream/${key}" => stream.arn },
    { "topic/alerts" = aws_sns_topic.alerts.arn },
    { for stack in aws_cloudformation_stack.push : "push/channels" => join("/", [
      "arn:${local.partition}:appsync:${var.region}:${local.account}:apis",
      stack.outputs["ApiId"], "channelNamespace", local.push_namespace,
    ]) },
    { for key in aws_kms_key.own : "key/own" => key.arn },
    {
      "athena/workgroup" = aws_athena_workgroup.lake.arn
      "glue/catalog"     = "arn:${local.partition}:glue:${var.region}:${local.account}:catalog"
      # Athena requests it with every statement, whatever the statement's database.
      "glue/default"  = "arn:${local.partition}:glue:${var.region}:${local.account}:database/default"
      "glue/database" = aws_glue_catalog_database.lake.arn
      "glue/table"    = "arn:${local.partition}:glue:${var.region}:${local.account}:table/${aws_glue_catalog_database.lake.name}"
    },
  )
}
