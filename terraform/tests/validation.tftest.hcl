# What is wrong is refused before anything is made: every validation of the modules, the root's are in
# root.tftest.hcl. tests/contract.py sees to it that none is left out.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name            = "visio-test"
  package         = "./tests/packages/arm64/signaling.zip"
  allowed_origins = ["https://clinic.example"]
  table_name      = "visio-test"
  table_arn       = "arn:aws:dynamodb:eu-west-3:123456789012:table/visio-test"
  websocket_url   = "wss://abcde12345.execute-api.eu-west-3.amazonaws.com/prod"

  functions = {
    signaling = { function_name = "f", invoke_arn = "arn:aws:apigateway:eu-west-3:lambda:path/f", routes = ["$connect", "$disconnect", "$default"] }
  }
}

run "websocket_api_too_little" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    name                       = "1st"
    functions                  = { f = { function_name = "f", invoke_arn = "a", routes = ["$default"] } }
    route_selection_expression = "body.type"
    stage_name                 = ""
    throttling_rate_limit      = 0
    throttling_burst_limit     = 0
    connect_rate_limit         = 0
    connect_burst_limit        = 0
    logging_level              = "DEBUG"
    log_retention_days         = 31
    kms_key_arn                = "alias/visio"
    domain                     = { name = "wss://visio.clinic.example", certificate_arn = "arn:aws:acm:eu-west-3:123456789012:certificate/1" }
    alarm_actions              = ["on-call@clinic.example"]
    alarm_thresholds           = { latency_ms = -1 }
  }

  expect_failures = [
    var.name, var.functions, var.route_selection_expression, var.stage_name, var.throttling_rate_limit, var.throttling_burst_limit,
    var.connect_rate_limit, var.connect_burst_limit, var.logging_level, var.log_retention_days, var.kms_key_arn, var.domain,
    var.alarm_actions, var.alarm_thresholds,
  ]
}

run "websocket_api_too_much" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    functions = {
      one = { function_name = "f", invoke_arn = "a", routes = ["$connect", "$disconnect", "$default"] }
      two = { function_name = "g", invoke_arn = "b", routes = ["$default"] }
    }
    stage_name             = "$default"
    throttling_rate_limit  = 10001
    throttling_burst_limit = 5001
    connect_rate_limit     = 501
    connect_burst_limit    = 0.5
    domain                 = { name = "visio.clinic.example", certificate_arn = "certificate" }
  }

  expect_failures = [var.functions, var.stage_name, var.throttling_rate_limit, var.throttling_burst_limit, var.connect_rate_limit, var.connect_burst_limit, var.domain]
}

run "websocket_api_strange_routes" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    functions = { f = { function_name = "f", invoke_arn = "a", routes = ["$connect", "$disconnect", "$default", "$defalt"] } }
  }

  expect_failures = [var.functions]
}

run "websocket_api_two_who_answer_pings" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    functions = { f = { function_name = "f", invoke_arn = "a", routes = ["$connect", "$disconnect", "$default", "ping"] } }
  }

  expect_failures = [var.answer_pings]
}

run "signaling_too_little" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    name                    = "V"
    architecture            = "amd64"
    memory_size             = 127
    timeout                 = 4
    reserved_concurrency    = 0
    allowed_origins         = []
    max_message_bytes       = 0
    max_peers_per_room      = 0
    environment_variables   = { "1A" = "" }
    log_retention_days      = 0
    kms_key_arn             = "key"
    table_max_request_units = { read = 0, write = 1 }
    alarm_thresholds        = { errors = -1 }
  }

  expect_failures = [
    var.name, var.architecture, var.memory_size, var.timeout, var.reserved_concurrency, var.allowed_origins, var.max_message_bytes,
    var.max_peers_per_room, var.environment_variables, var.log_retention_days, var.kms_key_arn, var.table_max_request_units, var.alarm_thresholds,
  ]
}

run "signaling_too_much" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    memory_size             = 10241
    timeout                 = 30
    reserved_concurrency    = 1.5
    allowed_origins         = ["https://clinic.example/"]
    max_message_bytes       = 32769
    max_peers_per_room      = 1001
    environment_variables   = { VISIO_TABLE = "another" }
    table_max_request_units = { read = 1.5, write = 1 }
    alarm_thresholds        = { duration_percent = 101 }
    stage_name              = "a b"
  }

  expect_failures = [
    var.memory_size, var.timeout, var.reserved_concurrency, var.allowed_origins, var.max_message_bytes, var.max_peers_per_room,
    var.environment_variables, var.table_max_request_units, var.alarm_thresholds, var.stage_name,
  ]
}

run "signaling_secrets_in_clear" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    environment_variables = { VISIO_JWT_SECRET = "in the state, for everybody to read" }
  }

  expect_failures = [var.environment_variables]
}

run "signaling_each_beside_a_valid_one" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    provisioned_concurrency = -1
    jwt_secret_arn          = "arn:aws:ssm:eu-west-3:123456789012:parameter/visits"
    health_secret_arn       = "arn:aws:s3:::secrets"
  }

  expect_failures = [var.provisioned_concurrency, var.jwt_secret_arn, var.health_secret_arn]
}

run "signaling_secrets_without_their_last_six" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwt_secret_arn    = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits"
    health_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-*"
  }

  expect_failures = [var.jwt_secret_arn, var.health_secret_arn]
}

run "signaling_keys_that_are_none" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwt_public_key = "-----BEGIN PRIVATE KEY-----\nnone of anybody\n-----END PRIVATE KEY-----\n"
  }

  expect_failures = [var.jwt_public_key]
}

run "signaling_sets_that_are_none" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwks = "{}"
  }

  expect_failures = [var.jwks]
}

run "signaling_sets_with_secrets" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwks = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"1\",\"k\":\"c2VjcmV0\"}]}"
  }

  expect_failures = [var.jwks]
}

run "signaling_an_audience_without_a_key" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwt_audience = "clinic"
  }

  expect_failures = [var.jwt_audience]
}

run "signaling_two_keys" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwt_public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
    jwks           = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"1\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"
  }

  expect_failures = [var.jwks]
}

run "signaling_a_key_and_a_secret" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwt_public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"
    jwt_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf"
  }

  expect_failures = [var.jwt_secret_arn]
}

run "signaling_a_set_and_a_secret" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    jwks           = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"1\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"
    jwt_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf"
  }

  expect_failures = [var.jwt_secret_arn]
}

run "signaling_combinations" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    reserved_concurrency    = 2
    provisioned_concurrency = 3
  }

  expect_failures = [var.provisioned_concurrency]
}

run "health_too_little" {
  command = plan
  module { source = "./modules/health" }

  variables {
    name                 = "V"
    architecture         = "arm"
    table_arn            = "visio"
    websocket_url        = "https://clinic.example"
    service_name         = " "
    health_secret_arn    = "health"
    allowed_origins      = []
    memory_size          = 64
    timeout              = 5
    reserved_concurrency = 0
    log_retention_days   = 2
    kms_key_arn          = "key"
    alarm_actions        = ["mail"]
    alarm_thresholds     = { throttles = -1 }
  }

  expect_failures = [
    var.name, var.architecture, var.table_arn, var.websocket_url, var.service_name, var.health_secret_arn, var.allowed_origins, var.memory_size,
    var.timeout, var.reserved_concurrency, var.log_retention_days, var.kms_key_arn, var.alarm_actions, var.alarm_thresholds,
  ]
}

run "health_too_much" {
  command = plan
  module { source = "./modules/health" }

  variables {
    allowed_origins  = ["clinic.example"]
    memory_size      = 256.5
    timeout          = 61
    alarm_thresholds = { unhealthy_minutes = 6 }
  }

  expect_failures = [var.allowed_origins, var.memory_size, var.timeout, var.alarm_thresholds]
}

run "health_secret" {
  command = plan
  module { source = "./modules/health-secret" }

  variables {
    name        = "V"
    kms_key_arn = "alias/visio"
  }

  expect_failures = [var.name, var.kms_key_arn]
}

run "kms_key" {
  command = plan
  module { source = "./modules/kms-key" }

  variables {
    name                    = "aws/visio"
    deletion_window_in_days = 6
  }

  expect_failures = [var.name, var.deletion_window_in_days]
}

run "account_logging" {
  command = plan
  module { source = "./modules/account-logging" }

  variables {
    role_name = "a role"
  }

  expect_failures = [var.role_name]
}
