locals {
  # The queue of ticks and its dead-letter queue exist only if the stage accepts ticks by SQS.
  queue_settings = {
    for key, queue in local.resources.queues : key => queue
    if var.sqs || !try(queue.fifo, false)
  }
  queues = merge(aws_sqs_queue.last, aws_sqs_queue.first)
  queue_arns = {
    for key in keys(local.queue_settings) :
    key => "arn:${local.partition}:sqs:${var.region}:${local.account}:${local.prefix}-${key}"
  }
}

# Queues without a dead-letter queue.
resource "aws_sqs_queue" "last" {
  for_each = { for key, queue in local.queue_settings : key => queue if try(queue.redrive_to, null) == null }

  name                      = "${local.prefix}-${each.key}"
  fifo_queue                = try(each.value.fifo, false)
  message_retention_seconds = each.value.retention_seconds
  sqs_managed_sse_enabled   = true
  policy                    = data.aws_iam_policy_document.queue[each.key].json
}

# Both policies are inline: as separate resources they race each other.
resource "aws_sqs_queue" "first" {
  for_each = { for key, queue in local.queue_settings : key => queue if try(queue.redrive_to, null) != null }

  name                       = "${local.prefix}-${each.key}"
  fifo_queue                 = try(each.value.fifo, false)
  visibility_timeout_seconds = each.value.visibility_seconds
  message_retention_seconds  = 345600
  sqs_managed_sse_enabled    = true
  policy                     = data.aws_iam_policy_document.queue[each.key].json

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.last[each.value.redrive_to].arn
    maxReceiveCount     = each.value.max_receive_count
  })
}

data "aws_iam_policy_document" "queue" {
  for_each = local.queue_settings

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.queue_arns[each.key]]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "failures" ? [1] : []

    content {
      sid       = "NoticesOfTheFailuresBucket"
      actions   = ["sqs:SendMessage"]
      resources = [local.queue_arns[each.key]]

      principals {
        type        = "Service"
        identifiers = ["s3.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [module.data_bucket["failures"].arn]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }
    }
  }
}

# The bucket holds dead-lettered batches; the queue counts them for the alarm.
resource "aws_s3_bucket_notification" "failures" {
  bucket = module.data_bucket["failures"].name

  queue {
    queue_arn = local.queues["failures"].arn
    events    = ["s3:ObjectCreated:*"]
  }
}
