output "stage" {
  description = "The stage's name."
  value       = var.stage
}

output "region" {
  description = "The stage's region."
  value       = var.region
}

output "account" {
  description = "The id of the account, which owns the buckets."
  value       = local.account
}

output "tags" {
  description = "Tags of all resources, including those that Chalice creates."
  value       = local.tags
}

output "functions" {
  description = "Name, role and sizes of each function that this stage has."
  value = { for key, function in local.functions : key => {
    name                 = function.name
    role_arn             = aws_iam_role.functions[key].arn
    memory_mb            = function.memory_mb
    timeout_seconds      = function.timeout_seconds
    reserved_concurrency = function.reserved_concurrency
  } }
}

output "chalice" {
  description = "Settings of all functions and the API."
  value = {
    architecture    = var.architecture
    tracing         = var.tracing
    api_rate        = var.api_rate
    api_concurrency = var.api_concurrency
  }
}

output "environment" {
  description = "The variables that the application reads, except the token's hash."
  value = merge(
    { for key, table in aws_dynamodb_table.data : "${upper(key)}_TABLE" => table.name },
    { for key, bucket in module.data_bucket : "${upper(key)}_BUCKET" => bucket.name },
    { for stream in aws_kinesis_stream.ticks : "TICKS_STREAM" => stream.name },
    var.sqs ? {
      TICKS_QUEUE     = local.queues["ticks.fifo"].name
      TICKS_QUEUE_URL = local.queues["ticks.fifo"].url
    } : {},
    { for key in aws_kms_key.own : "CHANNELS_KEY" => key.arn },
    merge([for stack in aws_cloudformation_stack.push : {
      STATE_STREAM_ARN = aws_dynamodb_table.data["state"].stream_arn
      PUSH_URL         = "https://${stack.outputs["Http"]}/event"
      PUSH_SOCKET      = "wss://${stack.outputs["Socket"]}/event/realtime"
      PUSH_KEY         = nonsensitive(aws_appsync_api_key.push[0].key)
    }]...),
    {
      STAGE                     = var.stage
      ACCOUNT_ID                = local.account
      ALERTS_TOPIC_ARN          = aws_sns_topic.alerts.arn
      PRICES_STREAM_ARN         = aws_dynamodb_table.data["prices"].stream_arn
      ALERTS_STREAM_ARN         = aws_dynamodb_table.data["alerts"].stream_arn
      DELIVERIES_QUEUE          = local.queues["deliveries"].name
      DELIVERIES_QUEUE_URL      = local.queues["deliveries"].url
      DELIVERIES_DEAD_QUEUE_URL = local.queues["deliveries-dead"].url
      ATHENA_WORKGROUP          = aws_athena_workgroup.lake.name
      ATHENA_DATABASE           = aws_glue_catalog_database.lake.name
      PAGE_URL                  = local.page_url
      CORS_ORIGIN               = var.cors_origin != "" ? var.cors_origin : local.page_url
      READ_ACCESS               = var.read_access
    },
    { for name, value in var.settings : name => value if !startswith(name, "COLLECTOR_") },
  )
}

output "collector" {
  description = "The kind of collector (lambda, fargate or none) and its name, if any."
  value = {
    kind                 = var.collector
    name                 = local.collector.name
    reserved_concurrency = var.collector == "lambda" ? local.collector.reserved_concurrency : null
  }
}

output "failures_bucket_arn" {
  description = "ARN of the bucket with dead-lettered batches."
  value       = module.data_bucket["failures"].arn
}

output "queues" {
  description = "URLs of the stage's queues."
  value       = { for key, queue in local.queues : key => queue.url }
}

output "topics" {
  description = "ARNs of the topics for price alerts and for alarms."
  value = {
    alerts     = aws_sns_topic.alerts.arn
    operations = aws_sns_topic.operations.arn
  }
}

output "producer_role_arn" {
  description = "ARN of the role of producers."
  value       = aws_iam_role.producer.arn
}

output "token_parameter" {
  description = "Name of the parameter with the hash of the first key's token."
  value       = aws_ssm_parameter.token.name
}

output "page" {
  description = "The page's bucket, distribution and address, if the stage has a page."
  value = one([for distribution in aws_cloudfront_distribution.page : {
    bucket       = module.page_bucket[0].name
    distribution = distribution.id
    url          = local.page_url
  }])
}

output "lake" {
  description = "The archive's database and workgroup in Athena."
  value = {
    database  = aws_glue_catalog_database.lake.name
    workgroup = aws_athena_workgroup.lake.name
  }
}

output "data_buckets" {
  description = "Buckets with data that cannot be recreated."
  value       = [for bucket in module.data_bucket : bucket.name]
}

output "hosting_buckets" {
  description = "Buckets of the page and of access logs."
  value       = concat([for bucket in module.page_bucket : bucket.name], [module.logs_bucket.name])
}
