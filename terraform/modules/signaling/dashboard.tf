# One page with all metrics that matter. Three dashboards in an account are free.

locals {
  api_metrics = ["ConnectCount", "MessageCount", "ClientError", "IntegrationError", "ExecutionError"]

  # The function counts them in its audit lines.
  visit_events = ["joined", "resumed", "waiting", "admitted", "denied", "sent_back", "removed", "away", "left", "ended"]

  widgets = [
    {
      title = "Connections and messages"
      stat  = "Sum"
      metrics = [for metric in local.api_metrics :
        ["AWS/ApiGateway", metric, "ApiId", module.api.api_id, "Stage", module.api.stage_name]
      ]
    },
    {
      title = "What happens in visits"
      stat  = "Sum"
      metrics = [for event in local.visit_events :
        ["Visio", "visio_visit_events_total", "FunctionName", aws_lambda_function.this.function_name, "event", event]
      ]
    },
    {
      title   = "How long a message takes, ms"
      stat    = "p99"
      metrics = [["AWS/ApiGateway", "IntegrationLatency", "ApiId", module.api.api_id, "Stage", module.api.stage_name]]
    },
    {
      title = "Invocations, errors, throttles"
      stat  = "Sum"
      metrics = concat([for name in local.dashboard_functions :
        [for metric in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", name]]
      ]...)
    },
    {
      title   = "How long an invocation takes, ms"
      stat    = "p99"
      metrics = [for name in local.dashboard_functions : ["AWS/Lambda", "Duration", "FunctionName", name]]
    },
    {
      title = "Table: units used"
      stat  = "Sum"
      metrics = [for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"] :
        ["AWS/DynamoDB", metric, "TableName", aws_dynamodb_table.this.name]
      ]
    },
    {
      title = "Table: requests that failed"
      stat  = "Sum"
      metrics = concat([for metric in ["SystemErrors", "ThrottledRequests"] :
        [for operation in ["GetItem", "PutItem", "DeleteItem"] : ["AWS/DynamoDB", metric, "TableName", aws_dynamodb_table.this.name, "Operation", operation]]
      ]...)
    },
  ]

  dashboard_functions = concat([aws_lambda_function.this.function_name], var.dashboard_function_names)
}

resource "aws_cloudwatch_dashboard" "this" {
  count = var.monitoring.dashboard ? 1 : 0

  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for index, it in local.widgets : {
      type   = "metric"
      x      = 12 * (index % 2)
      y      = 6 * floor(index / 2)
      width  = 12
      height = 6
      properties = {
        title   = it.title
        stat    = it.stat
        metrics = it.metrics
        region  = data.aws_region.current.id
        period  = 300
      }
    }]
  })
}
