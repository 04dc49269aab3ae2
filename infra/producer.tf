# The producer's role: puts ticks, reads the symbols to follow, and writes its status.

data "aws_iam_policy_document" "assumed_by_producer" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = length(var.producer_principals) > 0 ? var.producer_principals : ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
}

data "aws_iam_policy_document" "producer" {
  dynamic "statement" {
    for_each = local.own_statements.producer

    content {
      actions   = statement.value.actions
      resources = [statement.value.resource]
    }
  }

  # The producer writes its status to one list only: other lists hold symbols and compact's lease.
  statement {
    actions   = ["dynamodb:PutItem"]
    resources = [local.arns["table/symbols"]]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["producers"]
    }

    condition {
      test     = "Null"
      variable = "dynamodb:LeadingKeys"
      values   = ["false"]
    }
  }
}

resource "aws_iam_role" "producer" {
  name                 = "${local.prefix}-producer"
  description          = "Sends ticks to ${local.prefix}."
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_producer.json
  max_session_duration = 43200
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "producer" {
  name   = "own"
  role   = aws_iam_role.producer.id
  policy = data.aws_iam_policy_document.producer.json
}
