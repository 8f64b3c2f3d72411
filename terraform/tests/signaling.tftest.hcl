# modules/signaling: the function, its variables and permissions, the table, the alarms.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name            = "visio-test"
  package         = "./tests/packages/arm64/signaling.zip"
  allowed_origins = ["https://clinic.example", "http://localhost:3000"]
}

run "the_function_runs_the_built_package" {
  module {
    source = "./modules/signaling"
  }

  assert {
    condition     = [aws_lambda_function.this.runtime, aws_lambda_function.this.handler, aws_lambda_function.this.architectures[0]] == ["provided.al2023", "bootstrap", "arm64"]
    error_message = "the package is a bootstrap for Amazon Linux 2023 on arm64"
  }

  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("./tests/packages/arm64/signaling.zip")
    error_message = "another package would not be noticed"
  }

  assert {
    condition     = aws_lambda_function.this.memory_size == 256 && aws_lambda_function.this.timeout == 15 && aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "256 MB, 15 s, nothing reserved"
  }

  assert {
    condition     = aws_lambda_function.this.function_name == "visio-test-signaling" && aws_cloudwatch_log_group.this.name == "/aws/lambda/visio-test-signaling" && aws_dynamodb_table.this.name == "visio-test"
    error_message = "names are not as the README says"
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_group == aws_cloudwatch_log_group.this.name && aws_lambda_function.this.logging_config[0].log_format == "JSON" && aws_lambda_function.this.logging_config[0].system_log_level == "WARN"
    error_message = "a log with START and END of every message costs more than the table"
  }
}

run "the_function_gets_the_variables_that_it_reads" {
  module {
    source = "./modules/signaling"
  }

  assert {
    condition = aws_lambda_function.this.environment[0].variables == tomap({
      VISIO_TABLE               = "visio-test"
      VISIO_MANAGEMENT_ENDPOINT = "https://abcde12345.execute-api.eu-west-3.amazonaws.com/prod"
      VISIO_ALLOWED_ORIGIN      = "https://clinic.example,http://localhost:3000"
      VISIO_MAX_MESSAGE_BYTES   = "32768"
      VISIO_GRACE_SECONDS       = "20"
      VISIO_MAX_PEERS_PER_ROOM  = "16"
      VISIO_TURN_TTL_SECONDS    = "3600"
      VISIO_RELAY_ONLY          = "false"
    })
    error_message = "the environment is not what the binary reads"
  }
}

run "the_function_gets_the_keys" {
  module {
    source = "./modules/signaling"
  }

  variables {
    tokens            = { audience = "clinic", public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n" }
    health_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-GhIjKl"
  }

  assert {
    condition = { for name, value in aws_lambda_function.this.environment[0].variables : name => value if strcontains(name, "JWT") || strcontains(name, "JWK") || strcontains(name, "SECRET") } == {
      VISIO_JWT_PUBLIC_KEY    = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
      VISIO_JWT_AUDIENCE      = "clinic"
      VISIO_HEALTH_SECRET_ARN = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-GhIjKl"
    }
    error_message = "the environment is not what the binary reads"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Resource if it.Sid == "Secrets"] == [["arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-GhIjKl"]]
    error_message = "a secret too many, or too few"
  }
}

run "the_function_gets_the_arn_of_a_secret" {
  module {
    source = "./modules/signaling"
  }

  variables {
    tokens = { secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf", audience = "clinic" }
  }

  assert {
    condition = { for name, value in aws_lambda_function.this.environment[0].variables : name => value if strcontains(name, "JWT") || strcontains(name, "JWK") || strcontains(name, "SECRET") } == {
      VISIO_JWT_SECRET_ARN = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf"
      VISIO_JWT_AUDIENCE   = "clinic"
    }
    error_message = "the environment is not what the binary reads"
  }

  assert {
    condition = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it if it.Sid == "Secrets"] == [
      { Sid = "Secrets", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = ["arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf"] }
    ]
    error_message = "it cannot read the secret, or more than that"
  }
}

run "the_function_gets_the_servers_and_the_arn_of_the_turn_secret" {
  module {
    source = "./modules/signaling"
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
    source = "./modules/signaling"
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

run "without_secrets_a_key_is_for_the_table" {
  module {
    source = "./modules/signaling"
  }

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-3:123456789012:key/1"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Condition.StringEquals["kms:ViaService"] if it.Sid == "Key"] == [["dynamodb.eu-west-3.amazonaws.com"]]
    error_message = "the key could be used for something else"
  }
}

run "the_function_may_do_only_what_it_does" {
  module {
    source = "./modules/signaling"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [
      { Sid = "Rooms", Effect = "Allow", Action = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"], Resource = ["arn:aws:dynamodb:eu-west-3:123456789012:table/TABLE"] },
      { Sid = "Connections", Effect = "Allow", Action = ["execute-api:ManageConnections"], Resource = [
        for verb in ["POST", "GET", "DELETE"] : "arn:aws:execute-api:eu-west-3:123456789012:abcde12345/prod/${verb}/@connections/*"
      ] },
      { Sid = "Log", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["arn:aws:logs:eu-west-3:123456789012:log-group:GROUP:*"] },
    ]
    error_message = "the role may do something else"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[*].Principal == [{ Service = "lambda.amazonaws.com" }]
    error_message = "somebody else may assume the role"
  }
}

run "the_table_keeps_rooms_and_no_more" {
  module {
    source = "./modules/signaling"
  }

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" && [for it in aws_dynamodb_table.this.attribute : [it.name, it.type]] == [["pk", "S"]]
    error_message = "the schema is not the one of lambda/src/table"
  }

  assert {
    condition     = aws_dynamodb_table.this.ttl[0].attribute_name == "x" && aws_dynamodb_table.this.ttl[0].enabled
    error_message = "old rooms would stay"
  }

  assert {
    condition     = !aws_dynamodb_table.this.point_in_time_recovery[0].enabled && !coalesce(aws_dynamodb_table.this.stream_enabled, false) && length(aws_dynamodb_table.this.global_secondary_index) == 0
    error_message = "records of who met whom would be stored, or sent elsewhere"
  }

  assert {
    condition     = !aws_dynamodb_table.this.server_side_encryption[0].enabled
    error_message = "a table that was on a key would stay on it unless AWS is told otherwise"
  }
}

run "alarms_are_where_the_metrics_are" {
  module {
    source = "./modules/signaling"
  }

  assert {
    condition     = alltrue([for it in aws_cloudwatch_metric_alarm.function : it.dimensions == tomap({ FunctionName = "visio-test-signaling" }) && it.namespace == "AWS/Lambda" && it.treat_missing_data == "notBreaching"])
    error_message = "an alarm is not on the function"
  }

  assert {
    condition     = { for key, it in aws_cloudwatch_metric_alarm.function : key => it.threshold } == { errors = 10, throttles = 5, duration = 12000 }
    error_message = "errors, throttles, and 80 per cent of 15 s"
  }

  assert {
    condition = alltrue([
      for it in aws_cloudwatch_metric_alarm.table : toset([for query in it.metric_query : one(query.metric).dimensions if length(query.metric) > 0])
      == toset([for operation in ["GetItem", "PutItem", "DeleteItem"] : tomap({ TableName = "visio-test", Operation = operation })])
    ])
    error_message = "DynamoDB has these metrics only for a table and an operation"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.unhandled[0].metric_name == aws_cloudwatch_log_metric_filter.unhandled[0].metric_transformation[0].name
    error_message = "the alarm is on another metric than the filter makes"
  }

  assert {
    condition     = length(output.alarm_names) == 11
    error_message = "the README counts eleven alarms, five of them the API's"
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this[0].dashboard_body).widgets) == 7
    error_message = "the dashboard is not complete"
  }
}

run "everything_that_can_be_turned_on" {
  module {
    source = "./modules/signaling"
  }

  variables {
    kms_key_arn              = "arn:aws:kms:eu-west-3:123456789012:key/1"
    function                 = { reserved_concurrency = 20, provisioned_concurrency = 2, environment_variables = { VISIO_LATER = "1" } }
    monitoring               = { xray_tracing = true }
    table                    = { max_request_units = { read = 10, write = 20 } }
    tokens                   = { secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf" }
    health_secret_arn        = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-GhIjKl"
    ice                      = { turn_urls = ["turn:turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
    alarms                   = { thresholds = { concurrency = 8 } }
    dashboard_function_names = ["visio-test-health"]
  }

  assert {
    condition     = { for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Sid => it.Action if !contains(["Rooms", "Connections", "Log"], it.Sid) } == { Secrets = ["secretsmanager:GetSecretValue"], Key = ["kms:Decrypt"], Traces = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"] }
    error_message = "what was turned on is not what is allowed"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Resource if it.Sid == "Secrets"] == [["arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf", "arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-GhIjKl", "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf"]]
    error_message = "a secret too many, or too few"
  }

  assert {
    condition     = [for it in jsondecode(aws_iam_role_policy.this.policy).Statement : it.Condition.StringEquals["kms:ViaService"] if it.Sid == "Key"] == [["dynamodb.eu-west-3.amazonaws.com", "secretsmanager.eu-west-3.amazonaws.com"]]
    error_message = "secrets that are encrypted with the key could not be read, or it could be used for something else"
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables.VISIO_LATER == "1"
    error_message = "a further variable is missing"
  }

  assert {
    condition     = aws_lambda_alias.provisioned[0].function_version == "7" && aws_lambda_provisioned_concurrency_config.this[0].qualifier == "provisioned"
    error_message = "what is kept warm is not what is invoked"
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].kms_key_arn == var.kms_key_arn && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn && aws_dynamodb_table.this.on_demand_throughput[0].max_write_request_units == 20
    error_message = "the key or the cap is missing"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.function["concurrency"].threshold == 8 && aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "the alarm on concurrency, or tracing, is missing"
  }
}

run "null_counts_as_not_set" {
  module {
    source = "./modules/signaling"
  }

  variables {
    function = {
      memory_size        = null, timeout = null, reserved_concurrency = null, provisioned_concurrency = null, max_message_bytes = null,
      max_peers_per_room = null, grace_seconds = null, environment_variables = null
    }
    tokens     = null
    ice        = { stun_urls = null, turn_urls = null, turn_secret_arn = null, turn_username = null, turn_credential_arn = null, turn_ttl_seconds = null, relay_only = null }
    table      = { max_request_units = null, point_in_time_recovery = null, deletion_protection = null }
    throttling = null
    logs       = { retention_days = null, access_logs = null, logging_level = null }
    monitoring = { detailed_metrics = null, xray_tracing = null, dashboard = null }
    alarms     = { enabled = null, actions = null, thresholds = { errors = null, throttles = null, duration_percent = null, concurrency = null } }
  }

  assert {
    condition     = [aws_lambda_function.this.memory_size, aws_lambda_function.this.timeout, aws_lambda_function.this.reserved_concurrent_executions, length(aws_lambda_alias.provisioned)] == [256, 15, -1, 0]
    error_message = "the function runs otherwise than by default"
  }

  assert {
    condition     = toset(keys(aws_lambda_function.this.environment[0].variables)) == toset(["VISIO_ALLOWED_ORIGIN", "VISIO_GRACE_SECONDS", "VISIO_MANAGEMENT_ENDPOINT", "VISIO_MAX_MESSAGE_BYTES", "VISIO_MAX_PEERS_PER_ROOM", "VISIO_RELAY_ONLY", "VISIO_TABLE", "VISIO_TURN_TTL_SECONDS"])
    error_message = "the function's variables are not the defaults"
  }

  assert {
    condition     = { for key, it in aws_cloudwatch_metric_alarm.function : key => it.threshold } == { errors = 10, throttles = 5, duration = 12000 } && length(aws_cloudwatch_dashboard.this) == 1 && aws_cloudwatch_log_group.this.retention_in_days == 14
    error_message = "alarms, dashboard or logs are not those of the defaults"
  }

  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled && !aws_dynamodb_table.this.point_in_time_recovery[0].enabled && length(aws_dynamodb_table.this.on_demand_throughput) == 0
    error_message = "the table is not that of the defaults"
  }
}

run "everything_that_can_be_turned_off" {
  module {
    source = "./modules/signaling"
  }

  variables {
    alarms       = { enabled = false }
    monitoring   = { dashboard = false }
    architecture = "x86_64"
    package      = "./tests/packages/x86_64/signaling.zip"
  }

  assert {
    condition     = length(output.alarm_names) == 0 && output.dashboard_name == null && aws_lambda_function.this.architectures[0] == "x86_64"
    error_message = "something is still on"
  }
}

run "a_limit_of_the_table_can_be_removed_again" {
  module {
    source = "./modules/signaling"
  }

  variables {
    table = { max_request_units = { read = -1, write = -1 } }
  }

  assert {
    condition     = aws_dynamodb_table.this.on_demand_throughput[0].max_read_request_units == -1 && aws_dynamodb_table.this.on_demand_throughput[0].max_write_request_units == -1
    error_message = "AWS removes a limit only if it is set to -1, not if it is left out"
  }
}

run "a_secret_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/signaling"
  }

  variables {
    tokens = { secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:visits-AbCdEf" }
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_secret_of_the_health_check_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/signaling"
  }

  variables {
    health_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:health-GhIjKl"
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_turn_secret_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/signaling"
  }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_turn_password_of_another_region_is_refused" {
  command = plan

  module {
    source = "./modules/signaling"
  }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_username = "visio", turn_credential_arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_missing_package_is_named" {
  command = plan

  module {
    source = "./modules/signaling"
  }

  variables {
    package = "./nowhere/signaling.zip"
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_package_for_another_architecture_is_refused" {
  command = plan

  module {
    source = "./modules/signaling"
  }

  variables {
    package = "./tests/packages/x86_64/signaling.zip"
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_package_that_does_not_say_what_it_was_built_for_is_refused" {
  command = plan

  module {
    source = "./modules/signaling"
  }

  variables {
    package = "./README.md"
  }

  expect_failures = [aws_lambda_function.this]
}
