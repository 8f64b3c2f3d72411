# Wrong settings are refused before anything is made: every validation of the modules. The root's
# are in root.tftest.hcl. In each run a group has one wrong attribute, so that no other can cause
# the refusal. tests/settings.py checks that no variable and no attribute is left out.

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

run "websocket_api_1" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    name                       = "1st"
    functions                  = { f = { function_name = "f", invoke_arn = "a", routes = ["$default"] } }
    route_selection_expression = "body.type"
    stage_name                 = ""
    throttling                 = { rate_limit = 0 }
    logs                       = { logging_level = "DEBUG" }
    kms_key_arn                = "alias/visio"
    domain                     = { name = "wss://visio.clinic.example", certificate_arn = "arn:aws:acm:eu-west-3:123456789012:certificate/1" }
    alarms                     = { actions = ["on-call@clinic.example"] }
  }

  expect_failures = [var.name, var.functions, var.route_selection_expression, var.stage_name, var.throttling, var.logs, var.kms_key_arn, var.domain, var.alarms]
}

run "websocket_api_2" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    functions  = { one = { function_name = "f", invoke_arn = "a", routes = ["$connect", "$disconnect", "$default"] }, two = { function_name = "g", invoke_arn = "a", routes = ["$default"] } }
    stage_name = "$default"
    throttling = { burst_limit = 0 }
    logs       = { retention_days = 31 }
    domain     = { name = "visio.clinic.example", certificate_arn = "certificate" }
    alarms     = { thresholds = { latency_ms = -1 } }
  }

  expect_failures = [var.functions, var.stage_name, var.throttling, var.logs, var.domain, var.alarms]
}

run "websocket_api_3" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    functions  = { f = { function_name = "f", invoke_arn = "a", routes = ["$connect", "$disconnect", "$default", "$defalt"] } }
    throttling = { connect_rate_limit = 0 }
  }

  expect_failures = [var.functions, var.throttling]
}

run "websocket_api_4" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    functions  = { f = { function_name = "f", invoke_arn = "a", routes = ["$connect", "$disconnect", "$default", "ping"] } }
    throttling = { connect_burst_limit = 0 }
  }

  expect_failures = [var.answer_pings, var.throttling]
}

run "websocket_api_5" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    throttling = { rate_limit = 10001 }
  }

  expect_failures = [var.throttling]
}

run "websocket_api_6" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    throttling = { burst_limit = 5001 }
  }

  expect_failures = [var.throttling]
}

run "websocket_api_7" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    throttling = { connect_rate_limit = 501 }
  }

  expect_failures = [var.throttling]
}

run "websocket_api_8" {
  command = plan
  module { source = "./modules/websocket-api" }

  variables {
    throttling = { connect_burst_limit = 0.5 }
  }

  expect_failures = [var.throttling]
}

run "signaling_1" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function          = { memory_size = 127 }
    name              = "V"
    architecture      = "amd64"
    allowed_origins   = []
    kms_key_arn       = "key"
    health_secret_arn = "arn:aws:s3:::secrets"
    stage_name        = "a b"
    table             = { max_request_units = { read = 0, write = 1 } }
    logs              = { retention_days = 0 }
    alarms            = { thresholds = { errors = -1 } }
    tokens            = { public_key = "-----BEGIN PRIVATE KEY-----\nnone of anybody\n-----END PRIVATE KEY-----\n" }
  }

  expect_failures = [var.function, var.name, var.architecture, var.allowed_origins, var.kms_key_arn, var.health_secret_arn, var.stage_name, var.table, var.logs, var.alarms, var.tokens]
}

run "signaling_2" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function          = { memory_size = 10241 }
    allowed_origins   = ["https://clinic.example/"]
    health_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:health-*"
    table             = { max_request_units = { read = 1.5, write = 1 } }
    alarms            = { thresholds = { duration_percent = 101 } }
    tokens            = { jwks = "{}" }
  }

  expect_failures = [var.function, var.allowed_origins, var.health_secret_arn, var.table, var.alarms, var.tokens]
}

run "signaling_3" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { timeout = 4 }
    tokens   = { jwks = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"1\",\"k\":\"c2VjcmV0\"}]}" }
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_4" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { timeout = 30 }
    tokens   = { secret_arn = "arn:aws:ssm:eu-west-3:123456789012:parameter/visits" }
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_5" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { reserved_concurrency = 0 }
    tokens   = { secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits" }
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_6" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { reserved_concurrency = 1.5 }
    tokens   = { audience = "clinic" }
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_7" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { provisioned_concurrency = -1 }
    tokens   = {}
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_8" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { max_message_bytes = 0 }
    tokens   = { public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n", jwks = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"1\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}" }
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_9" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { max_message_bytes = 32769 }
    tokens   = { public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n", secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf" }
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_10" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { max_peers_per_room = 0 }
    tokens   = { jwks = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"1\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}", secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf" }
  }

  expect_failures = [var.function, var.tokens]
}

run "signaling_11" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { max_peers_per_room = 257 }
  }

  expect_failures = [var.function]
}

run "signaling_grace_too_long" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { grace_seconds = 601 }
  }

  expect_failures = [var.function]
}

run "signaling_grace_negative" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { grace_seconds = -1 }
  }

  expect_failures = [var.function]
}

run "signaling_12" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { environment_variables = { "1A" = "" } }
  }

  expect_failures = [var.function]
}

run "signaling_13" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { environment_variables = { VISIO_TABLE = "another" } }
  }

  expect_failures = [var.function]
}

run "signaling_14" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { environment_variables = { VISIO_JWT_SECRET = "in the state" } }
  }

  expect_failures = [var.function]
}

run "signaling_15" {
  command = plan
  module { source = "./modules/signaling" }

  variables {
    function = { reserved_concurrency = 2, provisioned_concurrency = 3 }
  }

  expect_failures = [var.function]
}

run "health_1" {
  command = plan
  module { source = "./modules/health" }

  variables {
    function          = { memory_size = 64 }
    name              = "V"
    architecture      = "arm"
    table_arn         = "visio"
    websocket_url     = "https://clinic.example"
    health_secret_arn = "health"
    allowed_origins   = []
    logs              = { retention_days = 2 }
    kms_key_arn       = "key"
    alarms            = { actions = ["mail"] }
  }

  expect_failures = [var.function, var.name, var.architecture, var.table_arn, var.websocket_url, var.health_secret_arn, var.allowed_origins, var.logs, var.kms_key_arn, var.alarms]
}

run "health_2" {
  command = plan
  module { source = "./modules/health" }

  variables {
    function        = { memory_size = 256.5 }
    allowed_origins = ["clinic.example"]
    alarms          = { thresholds = { throttles = -1 } }
  }

  expect_failures = [var.function, var.allowed_origins, var.alarms]
}

run "health_3" {
  command = plan
  module { source = "./modules/health" }

  variables {
    function = { timeout = 5 }
    alarms   = { thresholds = { unhealthy_minutes = 6 } }
  }

  expect_failures = [var.function, var.alarms]
}

run "health_4" {
  command = plan
  module { source = "./modules/health" }

  variables {
    function = { timeout = 61 }
    alarms   = { thresholds = { duration_percent = 101 } }
  }

  expect_failures = [var.function, var.alarms]
}

run "health_5" {
  command = plan
  module { source = "./modules/health" }

  variables {
    function = { reserved_concurrency = 0 }
  }

  expect_failures = [var.function]
}

run "health_6" {
  command = plan
  module { source = "./modules/health" }

  variables {
    function = { service_name = " " }
  }

  expect_failures = [var.function]
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

run "ice_stun_urls_of_another_scheme" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { stun_urls = ["turn:turn.clinic.example"] }
  }

  expect_failures = [var.ice]
}

run "ice_stun_urls_with_a_transport" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { stun_urls = ["stun:turn.clinic.example?transport=udp"] }
  }

  expect_failures = [var.ice]
}

run "ice_stun_urls_in_one_string" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { stun_urls = ["stun:a.clinic.example,stun:b.clinic.example"] }
  }

  expect_failures = [var.ice]
}

run "ice_stun_urls_with_port_0" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { stun_urls = ["stun:turn.clinic.example:0"] }
  }

  expect_failures = [var.ice]
}

run "ice_turn_urls_alone" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"] }
  }

  expect_failures = [var.ice]
}

run "ice_turn_urls_of_another_scheme" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["https://turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_urls_with_tls_over_udp" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turns:turn.clinic.example?transport=udp"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_urls_with_a_port_too_high" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example:65536?transport=tcp"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_secret_alone" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_secret_that_is_no_arn" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_secret_arn = "turn" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_secret_without_its_last_characters" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_secret_and_user" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf", turn_username = "visio" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_secret_and_password" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf", turn_credential_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_user_alone" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_username = "visio" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_user_without_password" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_username = "visio" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_user_without_a_name" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_username = " ", turn_credential_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_password_alone" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_credential_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_user_and_password_alone" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_username = "visio", turn_credential_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_password_without_user" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_credential_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_password_that_is_no_arn" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_urls = ["turn:turn.clinic.example"], turn_username = "visio", turn_credential_arn = "arn:aws:ssm:eu-west-3:123456789012:parameter/turn" }
  }

  expect_failures = [var.ice]
}

run "ice_turn_ttl_too_short" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_ttl_seconds = 9 }
  }

  expect_failures = [var.ice]
}

run "ice_turn_ttl_too_long" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_ttl_seconds = 86401 }
  }

  expect_failures = [var.ice]
}

run "ice_turn_ttl_not_whole" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { turn_ttl_seconds = 10.5 }
  }

  expect_failures = [var.ice]
}

run "ice_relay_only_alone" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = { relay_only = true }
  }

  expect_failures = [var.ice]
}

run "ice_that_is_right" {
  command = plan
  module { source = "./modules/ice" }

  variables {
    ice = {
      stun_urls        = ["stun:turn.clinic.example", "stuns:192.0.2.1:5349", "stun:[2001:db8::1]", "stun:[2001:db8::1]:65535"]
      turn_urls        = ["turn:turn.clinic.example:1", "turn:turn.clinic.example?transport=udp", "turn:turn.clinic.example:80?transport=tcp", "turns:turn.clinic.example:443?transport=tcp", "turns:[2001:db8::1]"]
      turn_secret_arn  = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:turn-AbCdEf"
      turn_ttl_seconds = 86400
      relay_only       = true
    }
  }

  assert {
    condition     = output.environment.VISIO_TURN_TTL_SECONDS == "86400" && length(split(",", output.environment.VISIO_STUN_URL)) == 4 && length(split(",", output.environment.VISIO_TURN_URL)) == 5
    error_message = "something is missing"
  }
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
