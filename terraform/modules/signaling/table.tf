# One table with an item for each room and one for each connection. It has no index and no stream,
# because nothing searches it.

resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_28: rooms live for hours; a backup would only preserve who met whom for 35 days. table.point_in_time_recovery turns it on
  # checkov:skip=CKV_AWS_119: encrypted with AWS's own key, or with kms_key_arn; a key of your own is a dollar a month, so the operator decides
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = var.table.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  # Only for cleaning up: nothing depends on when it happens.
  ttl {
    attribute_name = "x"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.table.point_in_time_recovery
  }

  # Also without a key, because the provider leaves a table on its key when the block is removed.
  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  dynamic "on_demand_throughput" {
    for_each = var.table.max_request_units == null ? [] : [var.table.max_request_units]

    content {
      max_read_request_units  = on_demand_throughput.value.read
      max_write_request_units = on_demand_throughput.value.write
    }
  }

  tags = var.tags
}
