# Alarms on the API. Those on its functions are where the functions are made.

locals {
  alarms = {
    integration-errors = {
      description = "A function fails or refuses: clients see \"Internal server error\" or cannot connect. Refused origins and bad tokens at the handshake count too."
      metric      = "IntegrationError"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.integration_errors
      period      = 300
      of          = [1, 1]
    }
    execution-errors = {
      description = "API Gateway could not call a function: a missing permission, a throttled function or a mistake in a template."
      metric      = "ExecutionError"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.execution_errors
      period      = 300
      of          = [1, 1]
    }
    client-errors = {
      description = "Many requests were refused before a function saw them: they were over a limit, or this is an attack."
      metric      = "ClientError"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.client_errors
      period      = 300
      of          = [1, 1]
    }
    latency = {
      description = "Messages take long: one in a hundred takes more than ${var.alarms.thresholds.latency_ms} ms."
      metric      = "IntegrationLatency"
      statistic   = "p99"
      threshold   = var.alarms.thresholds.latency_ms
      period      = 300
      of          = [2, 3]
    }
    messages = {
      description = "More messages in a day than expected. Messages are most of the bill: a dollar a million."
      metric      = "MessageCount"
      statistic   = "Sum"
      threshold   = var.alarms.thresholds.messages_per_day
      period      = 86400
      of          = [1, 1]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, it in local.alarms : name => it if var.alarms.enabled }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/ApiGateway"
  metric_name         = each.value.metric
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = each.value.period
  datapoints_to_alarm = each.value.of[0]
  evaluation_periods  = each.value.of[1]
  treat_missing_data  = "notBreaching"

  dimensions = {
    ApiId = aws_apigatewayv2_api.this.id
    Stage = aws_apigatewayv2_stage.this.name
  }

  alarm_actions = var.alarms.actions
  ok_actions    = var.alarms.actions

  tags = var.tags
}
