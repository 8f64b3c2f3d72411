# Alarms on the function, and on what it finds.

locals {
  alarms = {
    # Low, because one page polls only four times in two minutes, and a function that does not start
    # logs nothing for the alarm `unhealthy` to see.
    errors = {
      description = "The health check itself fails or does not start. This says nothing about visits."
      metric      = "Errors"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.errors
      of          = [1, 1]
    }
    throttles = {
      description = "The health check is polled more often than function.reserved_concurrency, or the account, allows."
      metric      = "Throttles"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.throttles
      of          = [1, 1]
    }
    duration = {
      description = "The health check takes most of its timeout of ${var.function.timeout} s."
      metric      = "Duration"
      statistic   = "p99"
      threshold   = 1000 * var.function.timeout * var.alarms.thresholds.duration_percent / 100
      of          = [2, 3]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = { for name, it in local.alarms : name => it if var.alarms.enabled }

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

# A failed check is an answer like any other, and not an error of the function. It is in the log.
resource "aws_cloudwatch_log_metric_filter" "unhealthy" {
  count = var.alarms.enabled ? 1 : 0

  name           = "${local.function_name}-unhealthy"
  log_group_name = aws_cloudwatch_log_group.this.name
  pattern        = "\"a health check failed\""

  metric_transformation {
    namespace = "Visio"
    name      = "${local.function_name}-unhealthy"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  count = var.alarms.enabled ? 1 : 0

  alarm_name          = "${local.function_name}-unhealthy"
  alarm_description   = "Visits fail, or the table does: checks failed in ${var.alarms.thresholds.unhealthy_minutes} minutes of 5. Only while somebody polls."
  namespace           = aws_cloudwatch_log_metric_filter.unhealthy[0].metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.unhealthy[0].metric_transformation[0].name
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  datapoints_to_alarm = var.alarms.thresholds.unhealthy_minutes
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarms.actions
  ok_actions    = var.alarms.actions

  tags = var.tags
}
