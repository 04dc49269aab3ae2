# docs/operating.md explains each alarm under its name and what to do.

locals {
  # For Lambda's metrics: statistic, threshold, minutes per period, periods evaluated, periods above.
  function_alarms = {
    errors    = { metric = "Errors", statistic = "Sum", bound = 0, minutes = 1, periods = 5, above = 3 }
    throttles = { metric = "Throttles", statistic = "Sum", bound = 0, minutes = 1, periods = 5, above = 3 }
    # For a function that runs every few hours one failed run is enough.
    failed-run = { metric = "Errors", statistic = "Sum", bound = 0, minutes = 60, periods = 1, above = 1 }
    iterator-age = {
      metric = "IteratorAge", statistic = "Maximum", bound = 60000, minutes = 1, periods = 5, above = 3
    }
  }

  # The alarms of functions in resources.json; with alarms = "all" also errors and throttles of every function.
  watched = merge([
    for key, function in local.functions : {
      for kind in setunion(
        function.alarms,
        var.alarms == "all" ? try(function.further_alarms, ["errors", "throttles"]) : [],
        # The essential alarms leave out `deliver` and `push`, whose lag delays no price.
        contains(local.gives_up, try(local.triggers[key], "")) && (!contains(["deliver", "push"], key) || var.alarms == "all") ? ["iterator-age"] : [],
        ) : "${kind}-${key}" => merge(local.function_alarms[kind], {
          namespace  = "AWS/Lambda"
          dimensions = { FunctionName = function.name }
      })
    }
  ]...)

  # For queues: the age of the oldest message if `metric` is set, else the number of messages.
  queue_alarms = {
    for key, alarm in merge(
      {
        failures    = { queue = "failures" }
        undelivered = { queue = "deliveries-dead" }
      },
      var.sqs ? {
        dead-letters = { queue = "ticks-dead.fifo" }
        queue-age    = { queue = "ticks.fifo", metric = local.oldest, bound = 60, minutes = 1, periods = 5, above = 3 }
      } : {},
      # Lambda receives a message only after its delay, a quarter of an hour at most.
      var.alarms == "all" ? {
        retry-age = { queue = "deliveries", metric = local.oldest, bound = 1200, periods = 2, above = 2 }
      } : {},
      ) : key => merge({
        namespace  = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum"
        bound      = 0, minutes = 5, periods = 1, above = 1
        dimensions = { QueueName = local.queues[alarm.queue].name }
    }, alarm)
  }
  oldest = "ApproximateAgeOfOldestMessage"

  # The application's own metrics, in periods of five minutes.
  app_alarms = {
    for key, alarm in merge(
      {
        quarantined  = { metric = "RecordsQuarantined" }
        broken-rules = { metric = "RulesBroken", statistic = "Maximum" }
        repairs-left = { metric = "RepairsLeft", periods = 1, above = 1 }
        # Each container of detect counts silent symbols every five minutes.
        silent-symbols = { metric = "SilentSymbols", statistic = "Maximum", above = 3 }
        store-age      = { metric = "StoreAgeMilliseconds", statistic = "Average", bound = 30000 }
      },
      var.push ? { push-failures = { metric = "PushFailures", above = 3 } } : {},
      # Three or more runs in each five minutes, for a quarter of an hour.
      var.collector == "lambda" ? {
        collector-silent    = { metric = "CollectorSilentRuns", bound = 2, above = 3 }
        collector-throttled = { metric = "CollectorThrottledRuns", bound = 2, above = 3 }
      } : {},
      ) : key => merge({
        namespace  = "Ticktape", statistic = "Sum"
        bound      = 0, minutes = 5, periods = 3, above = 2
        dimensions = { stage = var.stage }
    }, alarm) if var.alarms == "all"
  }

  further_alarms = var.alarms == "all" ? {
    api-errors = {
      namespace  = "AWS/ApiGateway", metric = "5XXError", statistic = "Sum"
      bound      = 0, minutes = 5, periods = 3, above = 2
      dimensions = { ApiName = local.resources.app, Stage = var.stage }
    }
  } : {}

  collector_alarms = var.collector == "lambda" && var.alarms == "all" ? {
    errors-collector = merge(local.function_alarms.errors, {
      namespace  = "AWS/Lambda"
      dimensions = { FunctionName = local.collector.name }
    })
  } : {}

  # Shows that the collector runs: ECS reports CPU samples only while a task runs.
  collector_signs = {
    lambda = { namespace = "Ticktape", metric = "CollectorRuns", statistic = "Sum", dimensions = { stage = var.stage } }
    fargate = {
      namespace  = "AWS/ECS", metric = "CPUUtilization", statistic = "SampleCount"
      dimensions = { ClusterName = local.prefix, ServiceName = local.collector.name }
    }
  }

  # Both metrics are reported while Lambda polls, even without records: silence is a zero, not a gap.
  arrivals = merge(
    { for key, stream in aws_kinesis_stream.ticks : "stream" => {
      namespace = "AWS/Kinesis", metric = "GetRecords.Records", dimensions = { StreamName = stream.name }
    } },
    var.sqs ? { queue = {
      namespace = "AWS/SQS", metric = "NumberOfMessagesSent", dimensions = { QueueName = local.queues["ticks.fifo"].name }
    } } : {},
  )
}

resource "aws_cloudwatch_metric_alarm" "watched" {
  for_each = merge(local.watched, local.queue_alarms, local.app_alarms, local.further_alarms, local.collector_alarms)

  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = "docs/operating.md, ${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.bound
  period              = each.value.minutes * 60
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.above
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.operations.arn]
  ok_actions          = [aws_sns_topic.operations.arn]
}

resource "aws_cloudwatch_metric_alarm" "collector_stopped" {
  for_each = { for kind, sign in local.collector_signs : kind => sign if kind == var.collector && var.alarms == "all" }

  alarm_name          = "${local.prefix}-collector-stopped"
  alarm_description   = "docs/operating.md, collector-stopped"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.operations.arn]
  ok_actions          = [aws_sns_topic.operations.arn]
}

resource "aws_cloudwatch_metric_alarm" "silence" {
  alarm_name          = "${local.prefix}-silence"
  alarm_description   = "docs/operating.md, silence: no ticks while the market is open"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.operations.arn]
  ok_actions          = [aws_sns_topic.operations.arn]

  dynamic "metric_query" {
    for_each = local.arrivals

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        period      = 300
        stat        = "Sum"
      }
    }
  }

  metric_query {
    id         = "arrived"
    label      = "Records that arrived"
    expression = join(" + ", keys(local.arrivals))
  }

  metric_query {
    id          = "expected"
    label       = "Records that arrived while the market was open"
    return_data = true

    expression = join("", [
      "IF(DAY(arrived) >= ${var.market_hours.first_day} AND DAY(arrived) <= ${var.market_hours.last_day}",
      " AND HOUR(arrived) >= ${var.market_hours.from} AND HOUR(arrived) < ${var.market_hours.until}",
      ", arrived, 1)",
    ])
  }
}
