# An API Gateway WebSocket API in front of Lambda functions.
#
# The route selection expression turns a message into a route key. The route of that key leads to an
# integration, which invokes a function or answers by itself.

################################################################################
# API
################################################################################

resource "aws_apigatewayv2_api" "this" {
  name                       = var.name
  description                = var.description
  protocol_type              = "WEBSOCKET"
  route_selection_expression = var.route_selection_expression

  tags = var.tags
}

locals {
  routes = merge([
    for key, function in var.functions : { for route in function.routes : route => key }
  ]...)

  # Known before the stage is made. Functions need these to post back, and the stage waits for its
  # deployment, the deployment for the routes, and the routes for the functions.
  management_endpoint = "${replace(aws_apigatewayv2_api.this.api_endpoint, "wss://", "https://")}/${var.stage_name}"
  stage_execution_arn = "${aws_apigatewayv2_api.this.execution_arn}/${var.stage_name}"
}

################################################################################
# Routes to functions
################################################################################

resource "aws_apigatewayv2_integration" "function" {
  for_each = var.functions

  api_id             = aws_apigatewayv2_api.this.id
  description        = each.value.function_name
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = each.value.invoke_arn

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_apigatewayv2_route" "function" {
  # checkov:skip=CKV_AWS_309: the function decides who may connect
  for_each = local.routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  authorization_type = "NONE"
  api_key_required   = var.require_api_key && each.key == "$connect"
  target             = "integrations/${aws_apigatewayv2_integration.function[each.value].id}"
}

resource "aws_lambda_permission" "route" {
  for_each = local.routes

  # A new permission stands beside the old one for a while, so it needs its own name. The provider
  # adds 26 characters, up to 100.
  statement_id_prefix = substr("WebSocketApi${replace(title(replace(each.key, "/[^A-Za-z0-9]+/", " ")), " ", "")}-", 0, 74)
  function_name       = var.functions[each.value].function_name
  qualifier           = var.functions[each.value].qualifier
  action              = "lambda:InvokeFunction"
  principal           = "apigateway.amazonaws.com"
  source_arn          = "${local.stage_execution_arn}/${each.key}"

  lifecycle {
    create_before_destroy = true
  }
}

################################################################################
# A keepalive that costs no invocation
################################################################################

resource "aws_apigatewayv2_integration" "ping" {
  count = var.answer_pings ? 1 : 0

  api_id                        = aws_apigatewayv2_api.this.id
  description                   = "Answers a ping without a function"
  integration_type              = "MOCK"
  template_selection_expression = "200"

  request_templates = {
    "200" = jsonencode({ statusCode = 200 })
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_apigatewayv2_integration_response" "ping" {
  count = var.answer_pings ? 1 : 0

  api_id                        = aws_apigatewayv2_api.this.id
  integration_id                = aws_apigatewayv2_integration.ping[0].id
  integration_response_key      = "$default"
  template_selection_expression = "200"

  response_templates = {
    # A number, hence no jsonencode.
    "200" = "{\"type\":\"pong\",\"serverTime\":$context.requestTimeEpoch}"
  }
}

resource "aws_apigatewayv2_route" "ping" {
  # checkov:skip=CKV_AWS_309: only an accepted connection can send messages
  count = var.answer_pings ? 1 : 0

  api_id                              = aws_apigatewayv2_api.this.id
  route_key                           = "ping"
  authorization_type                  = "NONE"
  target                              = "integrations/${aws_apigatewayv2_integration.ping[0].id}"
  route_response_selection_expression = "$default"
}

resource "aws_apigatewayv2_route_response" "ping" {
  count = var.answer_pings ? 1 : 0

  api_id             = aws_apigatewayv2_api.this.id
  route_id           = aws_apigatewayv2_route.ping[0].id
  route_response_key = "$default"
}

################################################################################
# Deployment and stage
################################################################################

# WebSocket APIs have no automatic deployment. Clients see the snapshot that this takes, so a new
# one is needed when anything in it changes. Ids are not enough, because they stay the same when
# the thing that they name changes.
resource "aws_apigatewayv2_deployment" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  description = "Made by Terraform"

  triggers = {
    snapshot = sha1(jsonencode([
      aws_apigatewayv2_api.this.route_selection_expression,
      [for it in aws_apigatewayv2_integration.function : [it.id, it.integration_type, it.integration_method, it.integration_uri]],
      [for it in aws_apigatewayv2_route.function : [it.id, it.route_key, it.authorization_type, it.api_key_required, it.target]],
      [for it in aws_apigatewayv2_integration.ping : [it.id, it.request_templates, it.template_selection_expression]],
      [for it in aws_apigatewayv2_integration_response.ping : [it.id, it.response_templates, it.template_selection_expression]],
      [for it in aws_apigatewayv2_route.ping : [it.id, it.target, it.route_response_selection_expression]],
      [for it in aws_apigatewayv2_route_response.ping : [it.id, it.route_response_key]],
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_apigatewayv2_stage" "this" {
  # checkov:skip=CKV2_AWS_51: clients are browsers, which have no client certificate
  api_id        = aws_apigatewayv2_api.this.id
  name          = var.stage_name
  deployment_id = aws_apigatewayv2_deployment.this.id

  default_route_settings {
    # Data traces would hold what patients' browsers tell each other, including addresses.
    data_trace_enabled       = false
    detailed_metrics_enabled = var.monitoring.detailed_metrics
    logging_level            = var.logs.logging_level
    throttling_rate_limit    = var.throttling.rate_limit
    throttling_burst_limit   = var.throttling.burst_limit
  }

  # Strangers can connect too, so connecting has a limit of its own.
  route_settings {
    route_key                = "$connect"
    data_trace_enabled       = false
    detailed_metrics_enabled = var.monitoring.detailed_metrics
    logging_level            = var.logs.logging_level
    throttling_rate_limit    = var.throttling.connect_rate_limit
    throttling_burst_limit   = var.throttling.connect_burst_limit
  }

  dynamic "access_log_settings" {
    for_each = aws_cloudwatch_log_group.access

    content {
      destination_arn = access_log_settings.value.arn
      format          = jsonencode(local.access_log_format)
    }
  }

  tags = var.tags

  # The stage uses a function only once it may invoke it, and stops before the permission is
  # removed.
  depends_on = [aws_lambda_permission.route]
}

################################################################################
# Access log
################################################################################

locals {
  # No address, no user agent and no query: who visits whom is nobody's business. A connection id
  # lives for as long as its connection, two hours at most.
  access_log_format = {
    requestId          = "$context.requestId"
    requestTime        = "$context.requestTime"
    eventType          = "$context.eventType"
    routeKey           = "$context.routeKey"
    connectionId       = "$context.connectionId"
    status             = "$context.status"
    error              = "$context.error.message"
    integrationStatus  = "$context.integration.status"
    integrationError   = "$context.integration.error"
    integrationLatency = "$context.integrationLatency"
  }
}

resource "aws_cloudwatch_log_group" "access" {
  count = var.logs.access_logs ? 1 : 0

  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.kms_key_arn

  tags = var.tags
}

################################################################################
# A domain of your own
################################################################################

resource "aws_apigatewayv2_domain_name" "this" {
  count = var.domain == null ? 0 : 1

  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }

  tags = var.tags
}

resource "aws_apigatewayv2_api_mapping" "this" {
  count = var.domain == null ? 0 : 1

  api_id      = aws_apigatewayv2_api.this.id
  domain_name = aws_apigatewayv2_domain_name.this[0].id
  stage       = aws_apigatewayv2_stage.this.id
}

resource "aws_route53_record" "this" {
  count = try(var.domain.hosted_zone_id, null) == null ? 0 : 1

  zone_id = var.domain.hosted_zone_id
  name    = var.domain.name
  type    = "A"

  alias {
    name                   = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}
