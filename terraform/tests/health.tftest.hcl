# modules/health: the function, its public URL, its permissions and its alarms.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name            = "visio-test"
  package         = "./tests/packages/arm64/health.zip"
  allowed_origins = ["https://clinic.example"]
  table_name      = "visio-test"
  table_arn       = "arn:aws:dynamodb:eu-west-3:123456789012:table/visio-test"
  websocket_url   = "wss://abcde12345.execute-api.eu-west-3.amazonaws.com/prod"
}

run "the_function_gets_the_variables_that_it_reads" {
  module {
    source = "./modules/health"
  }

  assert {
    condition = aws_lambda_function.this.environment[0].variables == tomap({
      VISIO_TABLE            = "visio-test"
      VISIO_WEBSOCKET_URL    = "wss://abcde12345.execute-api.eu-west-3.amazonaws.com/prod"
      VISIO_REGION           = "eu-west-3"
      VISIO_SERVICE_NAME     = "visio-conference"
      VISIO_ALLOWED_ORIGIN   = "https://clinic.example"
      VISIO_TURN_TTL_SECONDS = "3600"
      VISIO_RELAY_ONLY       = "false"
    })
    error_message = "the environment is not what the binary reads"
  }

  assert {
    condition     = [aws_lambda_function.this.runtime, aws_lambda_function.this.handler, aws_lambda_function.this.architectures[0]] == ["provided.al2023", "bootstrap", "arm64"] && aws_lambda_function.this.timeout == 10
    error_message = "the package is a bootstrap for Amazon Linux 2023 on arm64, and a visit may take four seconds"
  }
}

run "the_function_may_read_one_item" {
  module {
    source = "./modules/health"
  }

  assert {
    condition     = { for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Sid => it.Action } == { Table = ["dynamodb:GetItem"], Log = ["logs:CreateLogStream", "logs:PutLogEvents"] }
    error_message = "the role may do something else"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement[0] == {
      Sid       = "Table"
      Effect    = "Allow"
      Action    = ["dynamodb:GetItem"]
      Resource  = ["arn:aws:dynamodb:eu-west-3:123456789012:table/visio-test"]
      Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["health-check"] } }
    }
    error_message = "it could read visits"
  }
}

run "the_function_is_public_only_by_its_url" {
  module {
    source = "./modules/health"
  }

  assert {
    condition     = aws_lambda_function_url.this.authorization_type == "NONE" && length(aws_lambda_function_url.this.cors) == 0
    error_message = "the function answers CORS itself; browsers refuse two answers"
  }

  assert {
    condition     = [aws_lambda_permission.url.action, aws_lambda_permission.url.principal, aws_lambda_permission.url.function_url_auth_type] == ["lambda:InvokeFunctionUrl", "*", "NONE"]
    error_message = "the first permission is not as AWS requires it"
  }

  assert {
    condition = jsondecode(aws_cloudformation_stack.url.template_body).Resources.Permission.Properties == {
      FunctionName          = aws_lambda_function.this.arn
      Action                = "lambda:InvokeFunction"
      Principal             = "*"
      InvokedViaFunctionUrl = true
    }
    error_message = "the second permission is not as AWS requires it, or lets anybody in without the URL"
  }

  assert {
    condition     = output.health_url == "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-3.on.aws/health" && output.status_url == "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-3.on.aws/status"
    error_message = "the URLs are not as the README says: ${output.health_url}"
  }
}

run "alarms_are_where_the_metrics_are" {
  module {
    source = "./modules/health"
  }

  assert {
    condition     = alltrue([for it in aws_cloudwatch_metric_alarm.function : it.dimensions == tomap({ FunctionName = "visio-test-health" }) && it.namespace == "AWS/Lambda"])
    error_message = "an alarm is not on the function"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.unhealthy[0].metric_name == aws_cloudwatch_log_metric_filter.unhealthy[0].metric_transformation[0].name && aws_cloudwatch_metric_alarm.unhealthy[0].datapoints_to_alarm == 2
    error_message = "the alarm is on another metric than the filter makes"
  }

  assert {
    condition     = { for key, it in aws_cloudwatch_metric_alarm.function : key => it.threshold } == { errors = 2, throttles = 5, duration = 8000 }
    error_message = "errors of which one page sees four in two minutes, throttles, and 80 per cent of 10 s"
  }

  assert {
    condition     = length(output.alarm_names) == 4
    error_message = "the README counts four alarms"
  }
}

run "everything_that_can_be_changed" {
  module {
    source = "./modules/health"
  }

  variables {
    function          = { reserved_concurrency = 2, service_name = "clinic" }
    monitoring        = { xray_tracing = true }
    kms_key_arn       = "arn:aws:kms:eu-west-3:123456789012:key/1"
    health_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-GhIjKl"
    ice               = { turn_urls = ["turn:turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
    alarms            = { enabled = false }
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 2 && length(output.alarm_names) == 0 && aws_lambda_function.this.environment[0].variables.VISIO_SERVICE_NAME == "clinic" && aws_lambda_function.this.environment[0].variables.VISIO_HEALTH_SECRET_ARN == var.health_secret_arn
    error_message = "something is as before"
  }

  assert {
    condition     = { for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Sid => it.Action if !contains(["Table", "Log"], it.Sid) } == { Secrets = ["secretsmanager:GetSecretValue"], Key = ["kms:Decrypt"], Traces = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"] }
    error_message = "what was turned on is not what is allowed"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Resource if it.Sid == "Secrets"] == [[var.health_secret_arn, "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf"]]
    error_message = "a secret too many, or too few"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Condition.StringEquals["kms:ViaService"] if it.Sid == "Key"] == [["dynamodb.eu-west-3.amazonaws.com", "secretsmanager.eu-west-3.amazonaws.com"]]
    error_message = "a secret that is encrypted with the key could not be read, or it could be used for something else"
  }
}

run "null_counts_as_not_set" {
  module {
    source = "./modules/health"
  }

  variables {
    function   = { memory_size = null, timeout = null, reserved_concurrency = null, service_name = null }
    ice        = { stun_urls = null, turn_urls = null, turn_secret_arn = null, turn_username = null, turn_credential_arn = null, turn_ttl_seconds = null, relay_only = null }
    logs       = { retention_days = null }
    monitoring = { xray_tracing = null }
    alarms     = { enabled = null, actions = null, thresholds = { errors = null, throttles = null, duration_percent = null, unhealthy_minutes = null } }
  }

  assert {
    condition     = [aws_lambda_function.this.memory_size, aws_lambda_function.this.timeout, aws_lambda_function.this.reserved_concurrent_executions, aws_cloudwatch_log_group.this.retention_in_days] == [256, 10, -1, 14] && aws_lambda_function.this.environment[0].variables.VISIO_SERVICE_NAME == "visio-conference"
    error_message = "the function runs otherwise than by default"
  }

  assert {
    condition     = toset(keys(aws_lambda_function.this.environment[0].variables)) == toset(["VISIO_ALLOWED_ORIGIN", "VISIO_REGION", "VISIO_RELAY_ONLY", "VISIO_SERVICE_NAME", "VISIO_TABLE", "VISIO_TURN_TTL_SECONDS", "VISIO_WEBSOCKET_URL"])
    error_message = "the function's variables are not the defaults"
  }

  assert {
    condition     = { for key, it in aws_cloudwatch_metric_alarm.function : key => it.threshold } == { errors = 2, throttles = 5, duration = 8000 } && aws_cloudwatch_metric_alarm.unhealthy[0].datapoints_to_alarm == 2
    error_message = "the alarms are not those of the defaults"
  }
}

run "the_function_gets_the_servers_and_the_arn_of_the_turn_secret" {
  module {
    source = "./modules/health"
  }

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-3:123456789012:key/1"
    ice         = { stun_urls = ["stun:turn.clinic.example"], turn_urls = ["turn:turn.clinic.example", "turns:turn.clinic.example?transport=tcp"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf", turn_ttl_seconds = 600, relay_only = true }
  }

  assert {
    condition = { for name, value in aws_lambda_function.this.environment[0].variables : name => value if can(regex("STUN|TURN|RELAY", name)) } == {
      VISIO_STUN_URL         = "stun:turn.clinic.example"
      VISIO_TURN_URL         = "turn:turn.clinic.example,turns:turn.clinic.example?transport=tcp"
      VISIO_TURN_SECRET_ARN  = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf"
      VISIO_TURN_TTL_SECONDS = "600"
      VISIO_RELAY_ONLY       = "true"
    }
    error_message = "the environment is not what the binary reads"
  }

  assert {
    condition = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it if it.Sid == "Secrets"] == [
      { Sid = "Secrets", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = ["arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf"] }
    ]
    error_message = "it cannot read the secret, or more than that"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Condition.StringEquals["kms:ViaService"] if it.Sid == "Key"] == [["dynamodb.eu-west-3.amazonaws.com", "secretsmanager.eu-west-3.amazonaws.com"]]
    error_message = "a secret that is encrypted with the key could not be read, or it could be used for something else"
  }
}

run "the_function_gets_a_turn_user_and_the_arn_of_its_password" {
  module {
    source = "./modules/health"
  }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_username = "visio", turn_credential_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  assert {
    condition = { for name, value in aws_lambda_function.this.environment[0].variables : name => value if can(regex("STUN|TURN|RELAY", name)) } == {
      VISIO_TURN_URL            = "turn:turn.clinic.example"
      VISIO_TURN_USERNAME       = "visio"
      VISIO_TURN_CREDENTIAL_ARN = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf"
      VISIO_TURN_TTL_SECONDS    = "3600"
      VISIO_RELAY_ONLY          = "false"
    }
    error_message = "the environment is not what the binary reads"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Resource if it.Sid == "Secrets"] == [["arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf"]]
    error_message = "a secret too many, or too few"
  }
}

run "without_a_secret_a_key_is_for_the_table" {
  module {
    source = "./modules/health"
  }

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-3:123456789012:key/1"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Condition.StringEquals["kms:ViaService"] if it.Sid == "Key"] == [["dynamodb.eu-west-3.amazonaws.com"]]
    error_message = "the key could be used for something else"
  }
}

run "a_secret_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/health"
  }

  variables {
    health_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:health-GhIjKl"
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_turn_secret_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/health"
  }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_turn_password_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/health"
  }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_username = "visio", turn_credential_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_package_for_another_architecture_is_refused" {
  command = plan

  module {
    source = "./modules/health"
  }

  variables {
    architecture = "x86_64"
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_missing_package_is_refused" {
  command = plan

  module {
    source = "./modules/health"
  }

  variables {
    package = "./nowhere/health.zip"
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_secret_without_a_key" {
  module {
    source = "./modules/health-secret"
  }

  assert {
    condition     = aws_secretsmanager_secret.this.name_prefix == "visio-test-health-" && aws_secretsmanager_secret.this.kms_key_id == null
    error_message = "the secret has another name, or is on a key"
  }
}

run "a_secret_with_a_key_is_another" {
  module {
    source = "./modules/health-secret"
  }

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-3:123456789012:key/1"
  }

  assert {
    condition     = aws_secretsmanager_secret.this.name_prefix == "visio-test-health-kms-" && aws_secretsmanager_secret.this.kms_key_id == var.kms_key_arn
    error_message = "without the key again it would stay on it: the provider does not tell AWS"
  }
}
