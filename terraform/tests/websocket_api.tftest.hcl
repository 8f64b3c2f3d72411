# modules/websocket-api: routes, and the way to functions.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "visio-test"

  functions = {
    signaling = {
      function_name = "visio-test-signaling"
      invoke_arn    = "arn:aws:apigateway:eu-west-3:lambda:path/2015-03-31/functions/one/invocations"
      routes        = ["$connect", "$disconnect", "$default"]
    }
  }
}

run "routes_are_those_that_the_code_serves" {
  module {
    source = "./modules/websocket-api"
  }

  assert {
    condition     = keys(aws_apigatewayv2_route.function) == ["$connect", "$default", "$disconnect"] && aws_apigatewayv2_route.ping[0].route_key == "ping"
    error_message = "the routes are not $connect, $disconnect, $default and ping"
  }

  assert {
    condition     = length(distinct(values(aws_apigatewayv2_route.function)[*].target)) == 1 && length(aws_apigatewayv2_integration.function) == 1
    error_message = "one function is one integration"
  }

  assert {
    condition     = aws_apigatewayv2_api.this.route_selection_expression == "$${request.body.type}$${request.body.requestId}"
    error_message = "a ping with a requestId would count as a keepalive"
  }

  assert {
    condition     = alltrue([for it in aws_apigatewayv2_integration.function : it.integration_type == "AWS_PROXY" && it.integration_method == "POST"])
    error_message = "functions are invoked by AWS_PROXY and POST"
  }
}

run "a_keepalive_is_answered_without_a_function" {
  module {
    source = "./modules/websocket-api"
  }

  assert {
    condition     = aws_apigatewayv2_integration.ping[0].integration_type == "MOCK" && jsondecode(aws_apigatewayv2_integration.ping[0].request_templates["200"]).statusCode == 200
    error_message = "the integration of ping is not a MOCK that chooses its response 200"
  }

  assert {
    condition     = jsondecode(replace(aws_apigatewayv2_integration_response.ping[0].response_templates["200"], "$context.requestTimeEpoch", "7")) == { type = "pong", serverTime = 7 }
    error_message = "the answer is not {\"type\":\"pong\",\"serverTime\":NUMBER}"
  }

  assert {
    condition     = aws_apigatewayv2_route.ping[0].route_response_selection_expression == "$default" && aws_apigatewayv2_route_response.ping[0].route_response_key == "$default"
    error_message = "without a route response nobody gets the answer"
  }

  assert {
    condition     = aws_apigatewayv2_integration_response.ping[0].integration_response_key == "$default" && aws_apigatewayv2_integration_response.ping[0].template_selection_expression == "200"
    error_message = "the response's template is not chosen"
  }
}

run "only_this_stage_and_these_routes_may_invoke" {
  module {
    source = "./modules/websocket-api"
  }

  assert {
    condition = {
      for key, it in aws_lambda_permission.route : key => [it.action, it.principal, it.source_arn, it.function_name]
      } == {
      for key in ["$connect", "$default", "$disconnect"] : key => [
        "lambda:InvokeFunction", "apigateway.amazonaws.com",
        "arn:aws:execute-api:eu-west-3:123456789012:abcde12345/prod/${key}", "visio-test-signaling",
      ]
    }
    error_message = "a permission is wider than its route"
  }

  assert {
    condition     = { for key, it in aws_lambda_permission.route : key => it.statement_id_prefix } == { "$connect" = "WebSocketApiConnect-", "$default" = "WebSocketApiDefault-", "$disconnect" = "WebSocketApiDisconnect-" }
    error_message = "a new permission could not stand beside the one that it replaces"
  }
}

run "the_stage_is_private_and_throttled" {
  module {
    source = "./modules/websocket-api"
  }

  assert {
    condition     = !aws_apigatewayv2_stage.this.default_route_settings[0].data_trace_enabled && alltrue([for it in aws_apigatewayv2_stage.this.route_settings : !it.data_trace_enabled])
    error_message = "data traces hold what patients' browsers say"
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit == 1000 && aws_apigatewayv2_stage.this.default_route_settings[0].throttling_burst_limit == 1000
    error_message = "messages are not throttled"
  }

  assert {
    condition     = [for it in aws_apigatewayv2_stage.this.route_settings : [it.route_key, it.throttling_rate_limit, it.throttling_burst_limit]] == [["$connect", 50, 100]]
    error_message = "connections are not throttled"
  }

  assert {
    condition     = length(aws_apigatewayv2_stage.this.access_log_settings) == 0 && aws_apigatewayv2_stage.this.default_route_settings[0].logging_level == "OFF"
    error_message = "logs need a role that a new account does not have"
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.deployment_id == aws_apigatewayv2_deployment.this.id && !coalesce(aws_apigatewayv2_stage.this.auto_deploy, false)
    error_message = "the stage does not serve the deployment"
  }

  assert {
    condition     = output.management_endpoint == "https://abcde12345.execute-api.eu-west-3.amazonaws.com/prod"
    error_message = "functions would post elsewhere: ${output.management_endpoint}"
  }
}

run "null_counts_as_not_set" {
  module {
    source = "./modules/websocket-api"
  }

  variables {
    throttling = { rate_limit = null, burst_limit = null, connect_rate_limit = null, connect_burst_limit = null }
    logs       = { retention_days = null, access_logs = null, logging_level = null }
    monitoring = { detailed_metrics = null }
    alarms     = { enabled = null, actions = null, thresholds = null }
  }

  assert {
    condition     = [for it in aws_apigatewayv2_stage.this.default_route_settings : [it.throttling_rate_limit, it.throttling_burst_limit, it.logging_level, it.detailed_metrics_enabled]] == [[1000, 1000, "OFF", false]]
    error_message = "messages are not throttled or logged as by default"
  }

  assert {
    condition     = [for it in aws_apigatewayv2_stage.this.route_settings : [it.throttling_rate_limit, it.throttling_burst_limit]] == [[50, 100]]
    error_message = "connections are not throttled as by default"
  }

  assert {
    condition     = length(aws_cloudwatch_log_group.access) == 0 && { for key, it in aws_cloudwatch_metric_alarm.this : key => it.threshold } == { integration-errors = 5, execution-errors = 5, client-errors = 100, latency = 3000, messages = 1000000 }
    error_message = "the alarms or the logs are not those of the defaults"
  }
}

run "alarms_are_on_the_stage" {
  module {
    source = "./modules/websocket-api"
  }

  assert {
    condition     = alltrue([for it in aws_cloudwatch_metric_alarm.this : it.dimensions == tomap({ ApiId = "abcde12345", Stage = "prod" }) && it.namespace == "AWS/ApiGateway"])
    error_message = "an alarm has other dimensions than the metrics of WebSocket APIs"
  }

  assert {
    condition     = { for key, it in aws_cloudwatch_metric_alarm.this : key => it.metric_name } == { integration-errors = "IntegrationError", execution-errors = "ExecutionError", client-errors = "ClientError", latency = "IntegrationLatency", messages = "MessageCount" }
    error_message = "an alarm is missing, or on another metric"
  }

  assert {
    condition     = length(output.alarm_names) == 5
    error_message = "the README counts five alarms"
  }
}

run "another_function_needs_another_deployment" {
  module {
    source = "./modules/websocket-api"
  }

  variables {
    functions = {
      signaling = {
        function_name = "visio-test-signaling"
        invoke_arn    = "arn:aws:apigateway:eu-west-3:lambda:path/2015-03-31/functions/another/invocations"
        routes        = ["$connect", "$disconnect", "$default"]
      }
    }
  }

  assert {
    condition     = output.snapshot != run.alarms_are_on_the_stage.snapshot
    error_message = "the stage would go on serving the old integration, whose id is the same"
  }
}

run "another_route_selection_needs_another_deployment" {
  module {
    source = "./modules/websocket-api"
  }

  variables {
    route_selection_expression = "$request.body.action"
  }

  assert {
    condition     = output.snapshot != run.another_function_needs_another_deployment.snapshot
    error_message = "the stage would go on with the old expression"
  }
}

run "a_key_is_required_to_connect" {
  module {
    source = "./modules/websocket-api"
  }

  variables {
    route_selection_expression = "$request.body.action"
    require_api_key            = true
  }

  assert {
    condition     = { for key, it in aws_apigatewayv2_route.function : key => it.api_key_required } == { "$connect" = true, "$default" = false, "$disconnect" = false }
    error_message = "anybody who knows the API's own URL gets past CloudFront, or nobody gets in"
  }

  assert {
    condition     = output.snapshot != run.another_route_selection_needs_another_deployment.snapshot
    error_message = "the stage would go on without asking for the key"
  }
}

run "a_limit_needs_no_deployment" {
  module {
    source = "./modules/websocket-api"
  }

  variables {
    route_selection_expression = "$request.body.action"
    throttling                 = { rate_limit = 10 }
    tags                       = { a = "b" }
  }

  assert {
    condition     = output.snapshot == run.another_route_selection_needs_another_deployment.snapshot
    error_message = "a deployment was made for nothing"
  }
}

run "existing_functions_can_be_plugged_in" {
  module {
    source = "./modules/websocket-api"
  }

  variables {
    functions = {
      connect    = { function_name = "c", invoke_arn = "arn:aws:apigateway:eu-west-3:lambda:path/c", routes = ["$connect"] }
      disconnect = { function_name = "d", invoke_arn = "arn:aws:apigateway:eu-west-3:lambda:path/d", routes = ["$disconnect"] }
      messages   = { function_name = "m", invoke_arn = "arn:aws:apigateway:eu-west-3:lambda:path/m", qualifier = "live", routes = ["$default", "chat", "join_room"] }
    }
    route_selection_expression = "$request.body.type"
    answer_pings               = false
  }

  assert {
    condition     = { for key, it in aws_lambda_permission.route : key => it.function_name } == { "$connect" = "c", "$disconnect" = "d", "$default" = "m", chat = "m", join_room = "m" }
    error_message = "a route leads elsewhere"
  }

  assert {
    condition     = { for key, it in aws_apigatewayv2_route.function : key => it.target } == { for key, name in { "$connect" = "connect", "$disconnect" = "disconnect", "$default" = "messages", chat = "messages", join_room = "messages" } : key => "integrations/${aws_apigatewayv2_integration.function[name].id}" }
    error_message = "a route leads to another's integration"
  }

  assert {
    condition     = length(aws_apigatewayv2_route.ping) == 0 && aws_lambda_permission.route["chat"].qualifier == "live"
    error_message = "pings should go to the function, and chat to its alias"
  }
}

run "a_domain_and_an_access_log" {
  module {
    source = "./modules/websocket-api"
  }

  variables {
    logs        = { access_logs = true }
    kms_key_arn = "arn:aws:kms:eu-west-3:123456789012:key/1"
    domain = {
      name            = "visio.clinic.example"
      certificate_arn = "arn:aws:acm:eu-west-3:123456789012:certificate/1"
    }
  }

  assert {
    condition     = output.websocket_url == "wss://visio.clinic.example" && output.management_endpoint == "https://abcde12345.execute-api.eu-west-3.amazonaws.com/prod"
    error_message = "clients use the domain, functions do not"
  }

  assert {
    condition     = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].security_policy == "TLS_1_2" && length(aws_route53_record.this) == 0
    error_message = "TLS 1.2 at least, and no record without a zone"
  }

  assert {
    condition     = !anytrue([for field in ["identity", "sourceIp", "userAgent", "requestOverride", "authorizer", "querystring"] : strcontains(one(aws_apigatewayv2_stage.this.access_log_settings).format, field)])
    error_message = "the access log identifies a person"
  }

  assert {
    condition     = aws_cloudwatch_log_group.access[0].kms_key_id == "arn:aws:kms:eu-west-3:123456789012:key/1" && aws_cloudwatch_log_group.access[0].retention_in_days == 14
    error_message = "the access log is not kept as it should be"
  }
}
