# Follows a tick from left to right and from top to bottom.

locals {
  own_metric = { for name in [
    "TicksTaken", "TicksStored", "BarsStored", "RecordsQuarantined", "IngestFailures",
    "StoreAgeMilliseconds", "TicksDetected", "LateBatches", "Alerts", "DetectFailures",
    "Notifications", "DeliveriesRetried", "DeliveriesDead", "DeliverFailures",
    "RulesBroken", "RepairsLeft", "SilentSymbols", "CollectorRuns", "CollectorTicks", "CollectorSilentRuns", "CollectorThrottledRuns",
    "CollectorBusyRuns", "CollectorLateRuns", "CollectorBrokenFields", "CollectorInvalidSymbols",
  ] : name => ["Ticktape", name, "stage", var.stage] }

  charts = concat(
    [
      { title = "Records that arrive", stat = "Sum", metrics = [
        for name, arrival in local.arrivals : concat([arrival.namespace, arrival.metric], flatten([for key, value in arrival.dimensions : [key, value]]))
      ] },
      { title = "Ticks taken, stored, quarantined", stat = "Sum", metrics = [
        local.own_metric.TicksTaken, local.own_metric.TicksStored, local.own_metric.BarsStored, local.own_metric.RecordsQuarantined, local.own_metric.IngestFailures
      ] },
      { title = "From event to store, ms", stat = "p95", metrics = [local.own_metric.StoreAgeMilliseconds] },
      { title = "Age of what is read next, ms", stat = "Maximum", metrics = [
        for key, function in local.functions : ["AWS/Lambda", "IteratorAge", "FunctionName", function.name]
        if contains(local.gives_up, try(local.triggers[key], ""))
      ] },
      { title = "Ticks detected, late batches, failures", stat = "Sum", metrics = [
        local.own_metric.TicksDetected, local.own_metric.LateBatches, local.own_metric.DetectFailures, local.own_metric.RulesBroken,
        local.own_metric.RepairsLeft
      ] },
      { title = "Silent symbols", stat = "Maximum", metrics = [local.own_metric.SilentSymbols] },
      { title = "Alerts and notifications", stat = "Sum", metrics = [
        local.own_metric.Alerts, local.own_metric.Notifications, local.own_metric.DeliveriesRetried,
        local.own_metric.DeliveriesDead, local.own_metric.DeliverFailures, ["AWS/SNS", "NumberOfNotificationsFailed", "TopicName", aws_sns_topic.alerts.name]
      ] },
      { title = "API requests and errors", stat = "Sum", metrics = [
        for metric in ["Count", "4XXError", "5XXError"] : ["AWS/ApiGateway", metric, "ApiName", local.resources.app, "Stage", var.stage]
      ] },
      { title = "API latency, ms", stat = "p95", metrics = [["AWS/ApiGateway", "Latency", "ApiName", local.resources.app, "Stage", var.stage]] },
      { title = "Dead-lettered batches", stat = "Maximum", metrics = [
        for key, queue in local.queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name] if !contains(["ticks.fifo", "deliveries"], key)
      ] },
    ],
    var.collector == "lambda" ? [{ title = "Collector: runs, ticks sent, runs that brought nothing, unreadable items", stat = "Sum", metrics = [
      local.own_metric.CollectorRuns, local.own_metric.CollectorTicks, local.own_metric.CollectorSilentRuns, local.own_metric.CollectorThrottledRuns,
      local.own_metric.CollectorBusyRuns, local.own_metric.CollectorLateRuns, local.own_metric.CollectorBrokenFields, local.own_metric.CollectorInvalidSymbols
    ] }] : [],
    [for metric in ["Errors", "Throttles", "Duration"] : {
      title = "Functions: ${lower(metric)}", stat = metric == "Duration" ? "p95" : "Sum"
      metrics = [
        for name in concat(values(local.functions)[*].name, aws_lambda_function.collector[*].function_name) :
        ["AWS/Lambda", metric, "FunctionName", name]
      ]
    }],
  )
}

resource "aws_cloudwatch_dashboard" "main" {
  count = var.dashboard ? 1 : 0

  dashboard_name = local.prefix
  dashboard_body = jsonencode({
    widgets = [for position, chart in local.charts : {
      type       = "metric", x = (position % 3) * 8, y = floor(position / 3) * 6, width = 8, height = 6
      properties = merge(chart, { region = var.region, period = 60 })
    }]
  })
}
