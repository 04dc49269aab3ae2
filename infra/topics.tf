# Price alerts. AWS's own key suffices, since every publisher may use it.
resource "aws_sns_topic" "alerts" {
  name              = "${local.prefix}-alerts"
  kms_master_key_id = var.own_key ? aws_kms_key.own[0].arn : "alias/aws/sns"
}

# Alarms. CloudWatch may not use AWS's own key, so the topic is unencrypted without our key;
# a message has an alarm's name and numbers, no prices.
resource "aws_sns_topic" "operations" {
  name              = "${local.prefix}-operations"
  kms_master_key_id = var.own_key ? aws_kms_key.own[0].arn : null
}

data "aws_iam_policy_document" "topic" {
  for_each = { alerts = aws_sns_topic.alerts.arn, operations = aws_sns_topic.operations.arn }

  statement {
    sid    = "TlsOnly"
    effect = "Deny"
    # All actions that a topic's policy may name: SNS accepts no wildcard there.
    actions = [
      "sns:AddPermission", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic",
      "sns:Publish", "sns:RemovePermission", "sns:SetTopicAttributes", "sns:Subscribe",
    ]
    resources = [each.value]

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
    for_each = each.key == "operations" ? [1] : []

    content {
      sid       = "Alarms"
      actions   = ["sns:Publish"]
      resources = [each.value]

      principals {
        type        = "Service"
        identifiers = ["cloudwatch.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }
    }
  }
}

resource "aws_sns_topic_policy" "topic" {
  for_each = { alerts = aws_sns_topic.alerts.arn, operations = aws_sns_topic.operations.arn }

  arn    = each.value
  policy = data.aws_iam_policy_document.topic[each.key].json
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each = { for who in var.alert_subscriptions : "${who.protocol} ${who.endpoint}" => who }

  topic_arn     = aws_sns_topic.alerts.arn
  protocol      = each.value.protocol
  endpoint      = each.value.endpoint
  filter_policy = each.value.filter_policy == null ? null : jsonencode(each.value.filter_policy)
}

resource "aws_sns_topic_subscription" "operations" {
  for_each = toset(var.operations_emails)

  topic_arn = aws_sns_topic.operations.arn
  protocol  = "email"
  endpoint  = each.key
}
