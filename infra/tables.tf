locals {
  # Stream view types by table. Only `push` reads the state table's stream.
  table_streams = {
    for key, table in local.resources.tables : key => table.stream
    if try(table.stream, null) != null && (try(table.stream_of, "") != "push" || var.push)
  }
}

resource "aws_dynamodb_table" "data" {
  for_each = local.resources.tables

  name                        = "${local.prefix}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.hash
  range_key                   = try(each.value.range, null)
  stream_enabled              = contains(keys(local.table_streams), each.key)
  stream_view_type            = try(local.table_streams[each.key], null)
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = toset(compact(flatten([
      each.value.hash,
      try(each.value.range, null),
      [for index in values(try(each.value.indexes, {})) : [index.hash, try(index.range, null)]],
    ])))

    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = try(each.value.indexes, {})

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.hash
      range_key       = try(global_secondary_index.value.range, null)
      projection_type = try(global_secondary_index.value.projection, "ALL")
    }
  }

  dynamic "ttl" {
    for_each = try([each.value.ttl], [])

    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.own_key ? aws_kms_key.own[0].arn : null
  }
}
