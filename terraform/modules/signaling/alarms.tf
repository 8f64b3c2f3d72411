# Alarms on the function and the table. Those on the API are in modules/websocket-api.

locals {
  function_alarms = {
    errors = {
      description = "The function fails: it crashes, takes too long or cannot even tell clients that it failed."
      metric      = "Errors"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.errors
      of          = [1, 1]
    }
    throttles = {
      description = "Lambda refuses to invoke the function: the account or function.reserved_concurrency allows no more at a time."
      metric      = "Throttles"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.throttles
      of          = [1, 1]
    }
    duration = {
      description = "The function takes most of its timeout of ${var.function.timeout} s. Something it calls is slow."
      metric      = "Duration"
      statistic   = "p99"
      threshold   = 1000 * var.function.timeout * var.alarms.thresholds.duration_percent / 100
      of          = [2, 3]
    }
    concurrency = {
      description = "There are more executions at a time than alarms.thresholds.concurrency."
      metric      = "ConcurrentExecutions"
      statistic   = "Maximum"
      threshold   = coalesce(var.alarms.thresholds.concurrency, 1)
      of          = [1, 1]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = {
    for name, it in local.function_alarms : name => it
    if var.alarms.enabled && !(name == "concurrency" && var.alarms.thresholds.concurrency == null)
  }

  alarm_name          = "${local.function_name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 120
  datapoints_to_alarm = each.value.of[0]
  evaluation_periods  = each.value.of[1]
  treat_missing_data  = "notBreaching"

  dimensions = {
    FunctionName = aws_lambda_function.this.function_name
  }

  alarm_actions = var.alarms.actions
  ok_actions    = var.alarms.actions

  tags = var.tags
}

# If the function cannot handle a message, it tells the client, and Lambda counts a success. Its log
# line is the only trace.
resource "aws_cloudwatch_log_metric_filter" "unhandled" {
  count = var.alarms.enabled ? 1 : 0

  name           = "${local.function_name}-unhandled"
  log_group_name = aws_cloudwatch_log_group.this.name
  pattern        = "\"was not handled\""

  metric_transformation {
    namespace = "Visio"
    name      = "${local.function_name}-unhandled"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "unhandled" {
  count = var.alarms.enabled ? 1 : 0

  alarm_name          = "${local.function_name}-unhandled"
  alarm_description   = "Clients were told that the server failed, or a connection that came or went was missed. The function's log says why."
  namespace           = aws_cloudwatch_log_metric_filter.unhandled[0].metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.unhandled[0].metric_transformation[0].name
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarms.thresholds.unhandled
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarms.actions
  ok_actions    = var.alarms.actions

  tags = var.tags
}

locals {
  # DynamoDB has these metrics only for a table and an operation together. An alarm on the table
  # alone would never fire.
  table_alarms = {
    errors = {
      description = "DynamoDB fails."
      threshold   = var.alarms.thresholds.table_errors
      metrics     = { for operation in ["GetItem", "PutItem", "DeleteItem"] : lower(operation) => ["SystemErrors", operation] }
    }
    throttles = {
      description = "DynamoDB refuses requests because of table.max_request_units or a limit of the account."
      threshold   = var.alarms.thresholds.table_throttles
      metrics     = { for operation in ["GetItem", "PutItem", "DeleteItem"] : lower(operation) => ["ThrottledRequests", operation] }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "table" {
  for_each = { for name, it in local.table_alarms : name => it if var.alarms.enabled }

  alarm_name          = "${aws_dynamodb_table.this.name}-table-${each.key}"
  alarm_description   = each.value.description
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "all"
    label       = "All operations"
    expression  = "SUM(METRICS())"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/DynamoDB"
        metric_name = metric_query.value[0]
        stat        = "Sum"
        period      = 300

        dimensions = {
          TableName = aws_dynamodb_table.this.name
          Operation = metric_query.value[1]
        }
      }
    }
  }

  alarm_actions = var.alarms.actions
  ok_actions    = var.alarms.actions

  tags = var.tags
}
