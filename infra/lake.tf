# The archive as tables. `python -m tools.lake_file` writes lake.json, which has their columns.

locals {
  lake_formats = {
    json = {
      input  = "org.apache.hadoop.mapred.TextInputFormat"
      output = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
      serde  = "org.openx.data.jsonserde.JsonSerDe"
      # A line that is not JSON becomes a row of nulls instead of failing the query. Names are
      # case-sensitive, as in ingest: "Price" is not "price".
      options = { "ignore.malformed.json" = "true", "case.insensitive" = "FALSE" }
    }
    parquet = {
      input   = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
      output  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
      serde   = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      options = {}
    }
  }

  # The calendar determines the partitions.
  lake_projection = {
    date = {
      "projection.date.type"          = "date"
      "projection.date.format"        = "yyyy-MM-dd"
      "projection.date.range"         = "${terraform_data.first_day.output},NOW"
      "projection.date.interval"      = "1"
      "projection.date.interval.unit" = "DAYS"
    }
    hour = {
      "projection.hour.type"   = "integer"
      "projection.hour.range"  = "0,23"
      "projection.hour.digits" = "2"
    }
  }
}

# Survives `make destroy` with the archive: the next deployment passes the same day.
resource "terraform_data" "first_day" {
  input = var.first_day
}

resource "aws_glue_catalog_database" "lake" {
  name        = replace(local.prefix, "-", "_")
  description = "The archive of ${local.prefix}."
}

resource "aws_glue_catalog_table" "lake" {
  for_each = local.lake.tables

  name          = each.key
  database_name = aws_glue_catalog_database.lake.name
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(
    { "classification" = each.value.format, "EXTERNAL" = "TRUE" },
    each.value.projected ? merge(
      {
        "projection.enabled" = "true"
        "storage.location.template" = join("", concat(
          ["s3://${module.data_bucket["archive"].name}/${each.value.prefix}"],
          [for partition in each.value.partitions : "${partition[0]}=$${${partition[0]}}/"],
        ))
      },
      [for partition in each.value.partitions : local.lake_projection[partition[0]]]...
    ) : {},
  )

  dynamic "partition_keys" {
    for_each = each.value.partitions

    content {
      name = partition_keys.value[0]
      type = partition_keys.value[1]
    }
  }

  storage_descriptor {
    location      = "s3://${module.data_bucket["archive"].name}/${each.value.prefix}"
    input_format  = local.lake_formats[each.value.format].input
    output_format = local.lake_formats[each.value.format].output

    ser_de_info {
      serialization_library = local.lake_formats[each.value.format].serde
      parameters            = local.lake_formats[each.value.format].options
    }

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }
}

# The views' statements come from chalicelib; compact updates them when it moves their boundary.
locals {
  lake_views = {
    for key, view in local.lake.views : key => merge(view, {
      statement = templatefile("${path.module}/../chalicelib/lake/${view.sql}", merge(local.lake.sql, {
        bar             = try(view.bar, "")
        compacted_until = "0001-01-01"
        by_day          = ""
        months          = "''"
        raw = trimspace(templatefile("${path.module}/../chalicelib/lake/raw_ticks.sql", merge(local.lake.sql, {
          arrived = "\"date\" >= '0001-01-01'"
        })))
        raw_bars = trimspace(templatefile("${path.module}/../chalicelib/lake/raw_bars.sql", merge(local.lake.sql, {
          arrived = "\"date\" >= '0001-01-01'"
          bar     = try(view.bar, "")
        })))
      }))
    })
  }
}

resource "aws_glue_catalog_table" "views" {
  for_each = local.lake_views

  name          = each.key
  database_name = aws_glue_catalog_database.lake.name
  description   = each.value.description
  table_type    = "VIRTUAL_VIEW"
  parameters    = { "presto_view" = "true", "comment" = "Presto View" }

  view_expanded_text = "/* Presto View */"
  view_original_text = join("", ["/* Presto View: ", base64encode(jsonencode({
    originalSql = trimspace(each.value.statement)
    catalog     = "awsdatacatalog"
    schema      = aws_glue_catalog_database.lake.name
    columns = [for column in each.value.columns : {
      name = column[0]
      type = column[1] == "string" ? "varchar" : column[1]
    }]
  })), " */"])

  storage_descriptor {
    # Athena refuses queries on a view without SerDe information (hashicorp/terraform-provider-aws
    # 28517); the provider omits empty information.
    ser_de_info {
      name                  = "-"
      serialization_library = "-"
    }

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }

  lifecycle {
    ignore_changes = [view_original_text, parameters]
  }
}

resource "aws_athena_workgroup" "lake" {
  name          = local.prefix
  description   = "Queries over the archive; each stops at ${var.athena_scan_limit_bytes} bytes."
  force_destroy = true # deletes saved queries, no data

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena_scan_limit_bytes

    result_configuration {
      output_location = "s3://${module.data_bucket["archive"].name}/results/"

      encryption_configuration {
        encryption_option = var.own_key ? "SSE_KMS" : "SSE_S3"
        kms_key_arn       = var.own_key ? aws_kms_key.own[0].arn : null
      }
    }
  }
}
