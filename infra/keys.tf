# One key for all data, if the stage has its own. Services use it for every authorised caller, as with
# AWS's own keys: the roles control access to data, not this key.

locals {
  key_administration = [
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:CreateGrant", "kms:DeleteAlias",
    "kms:DescribeKey", "kms:DisableKey", "kms:EnableKey", "kms:EnableKeyRotation",
    "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies",
    "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:ScheduleKeyDeletion",
    "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
  ]
  key_use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
}

data "aws_iam_policy_document" "own_key" {
  statement {
    sid       = "AdministeredByTheAccount"
    actions   = local.key_administration
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "ThroughTheServicesThatKeepData"
    actions   = concat(local.key_use, ["kms:CreateGrant"])
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:CallerAccount"
      values   = [local.account]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in ["dynamodb", "kinesis", "s3", "sns"] : "${service}.${var.region}.amazonaws.com"]
    }
  }

  # Addresses of channels. The roles' own policies say that the API may only encrypt and `deliver`
  # only decrypt.
  statement {
    sid       = "AddressesOfChannels"
    actions   = ["kms:Decrypt", "kms:Encrypt"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:app"
      values   = [local.resources.app]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:stage"
      values   = [var.stage]
    }
  }

  statement {
    sid       = "Alarms"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

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

  statement {
    sid       = "Logs"
    actions   = local.key_use
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = [for kind in ["lambda", "ecs"] : "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/aws/${kind}/${local.prefix}*"]
    }
  }
}

resource "aws_kms_key" "own" {
  count = var.own_key ? 1 : 0

  description             = "${local.prefix}: tables, stream, archive, topics and logs"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  policy                  = data.aws_iam_policy_document.own_key.json
}

resource "aws_kms_alias" "own" {
  count = var.own_key ? 1 : 0

  name          = "alias/${local.prefix}"
  target_key_id = aws_kms_key.own[0].key_id
}
