# The root: the settings passed to the modules, names, outputs, and what prod refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  signaling = { package = "./tests/packages/arm64/signaling.zip" }
  health    = { package = "./tests/packages/arm64/health.zip" }
}

run "with_the_defaults" {
  assert {
    condition     = output.websocket_management_endpoint == "https://abcde12345.execute-api.eu-west-3.amazonaws.com/dev" && output.websocket_stage_name == "dev"
    error_message = "the stage is called as the environment"
  }

  assert {
    condition     = output.function_names == { signaling = "visio-dev-signaling", health = "visio-dev-health" } && output.table_name == "visio-dev"
    error_message = "names are not PREFIX-ENVIRONMENT"
  }

  assert {
    condition     = output.log_group_names == { signaling = "/aws/lambda/visio-dev-signaling", health = "/aws/lambda/visio-dev-health" }
    error_message = "log groups are not as the README says"
  }

  assert {
    condition     = output.frontend_env_variable == "NEXT_PUBLIC_VISIO_HEALTH_URL=${output.health_url}" && endswith(output.health_url, "/health") && endswith(output.status_url, "/status")
    error_message = "the front end would poll elsewhere"
  }

  assert {
    condition     = output.wscat_command == "wscat -c ${output.websocket_url}" && output.logs_command == "aws logs tail /aws/lambda/visio-dev-signaling --region eu-west-3 --follow" && output.health_logs_command == "aws logs tail /aws/lambda/visio-dev-health --region eu-west-3 --follow"
    error_message = "a command cannot be pasted"
  }

  assert {
    condition     = startswith(output.page_query, "?server=wss%3A%2F%2F") && strcontains(output.page_query, "&health=https%3A%2F%2F") && endswith(output.page_query, "%2Fhealth")
    error_message = "the page would go elsewhere: ${output.page_query}"
  }

  assert {
    condition     = length(output.alarm_names) == 15 && output.kms_key_arn == null && output.domain_target == null && output.dashboard_url == "https://eu-west-3.console.aws.amazon.com/cloudwatch/home?region=eu-west-3#dashboards/dashboard/visio-dev"
    error_message = "the README counts fifteen alarms, no key, no domain, one dashboard"
  }
}

run "without_health" {
  variables {
    health = { enabled = false }
  }

  assert {
    condition     = output.health_url == null && output.status_url == null && output.health_base_url == null && output.frontend_env_variable == null && output.health_logs_command == null && output.function_names == { signaling = "visio-dev-signaling" } && length(output.alarm_names) == 11 && !strcontains(output.page_query, "health")
    error_message = "something of the health check is left"
  }
}

run "with_everything_of_the_account" {
  variables {
    environment     = "prod"
    open_mode       = true
    allowed_origins = ["https://clinic.example"]
    name_prefix     = "clinic"
    stage_name      = "v1"
    kms_key         = { create = true }
    logs            = { access_logs = true, manage_account_role = true }
    domain          = { name = "visio.clinic.example", certificate_arn = "arn:aws:acm:eu-west-3:123456789012:certificate/1" }
  }

  assert {
    condition     = output.websocket_url == "wss://visio.clinic.example" && output.websocket_stage_name == "v1" && output.kms_key_arn == "arn:aws:kms:eu-west-3:123456789012:key/KEY" && output.log_group_names.access == "/aws/apigateway/clinic-prod"
    error_message = "something did not reach its module"
  }
}

run "prod_refuses_to_be_open_by_accident" {
  command = plan

  variables {
    environment = "prod"
  }

  expect_failures = [var.allowed_origins, var.open_mode]
}

run "prod_accepts_a_key" {
  variables {
    environment     = "prod"
    allowed_origins = ["https://clinic.example"]
    tokens          = { jwks = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"1\",\"x\":\"EwYHusd3g8AWHxTLFe19LQFn7nZn-Uuo-Myzv-qloY0\"}]}", audience = "clinic" }
  }

  assert {
    condition     = output.websocket_stage_name == "prod"
    error_message = "prod with a key is not open, and should be accepted"
  }
}

run "prod_accepts_a_key_in_pem" {
  variables {
    environment     = "prod"
    allowed_origins = ["https://clinic.example"]
    tokens          = { public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAEwYHusd3g8AWHxTLFe19LQFn7nZn+Uuo+Myzv+qloY0=\n-----END PUBLIC KEY-----\n" }
  }

  assert {
    condition     = output.websocket_stage_name == "prod"
    error_message = "prod with a key is not open, and should be accepted"
  }
}

run "prod_refuses_a_published_key" {
  command = plan

  variables {
    environment     = "prod"
    allowed_origins = ["https://clinic.example"]
    tokens          = { public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n" }
  }

  expect_failures = [var.tokens]
}

run "prod_refuses_a_set_with_a_published_key" {
  command = plan

  variables {
    environment     = "prod"
    allowed_origins = ["https://clinic.example"]
    tokens          = { jwks = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"1\",\"x\":\"EwYHusd3g8AWHxTLFe19LQFn7nZn-Uuo-Myzv-qloY0\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"2\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}" }
  }

  expect_failures = [var.tokens]
}

run "prod_accepts_a_secret" {
  variables {
    environment     = "prod"
    allowed_origins = ["https://clinic.example"]
    tokens          = { secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf", audience = "clinic" }

    # The variable that the README suggests for applying a changed secret.
    signaling = { package = "./tests/packages/arm64/signaling.zip", environment_variables = { VISIT_KEY_OF = "2026-11-21" } }
  }

  assert {
    condition     = output.websocket_stage_name == "prod"
    error_message = "prod with a secret is not open, and should be accepted"
  }
}

run "with_a_key_it_is_not_open" {
  command = plan

  variables {
    tokens    = { public_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n" }
    open_mode = true
  }

  expect_failures = [var.open_mode]
}

run "with_a_secret_it_is_not_open" {
  command = plan

  variables {
    tokens    = { secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:visits-AbCdEf" }
    open_mode = true
  }

  expect_failures = [var.open_mode]
}

run "prod_refuses_pages_without_tls" {
  command = plan

  variables {
    environment     = "prod"
    open_mode       = true
    allowed_origins = ["http://clinic.example"]
  }

  expect_failures = [var.allowed_origins]
}

run "wrong_settings_are_refused" {
  command = plan

  variables {
    aws_region              = "Paris"
    assume_role_arn         = "admin"
    name_prefix             = "Visio"
    environment             = "production"
    lambda_architecture     = "amd64"
    kms_key                 = { create = true, arn = "arn:aws:kms:eu-west-3:123456789012:key/1" }
    assume_role_external_id = "x"
  }

  expect_failures = [var.aws_region, var.assume_role_arn, var.name_prefix, var.environment, var.lambda_architecture, var.kms_key]
}

run "china_is_refused" {
  command = plan

  variables {
    aws_region = "cn-north-1"
  }

  expect_failures = [var.aws_region]
}

run "govcloud_is_refused" {
  command = plan

  variables {
    aws_region = "us-gov-west-1"
  }

  expect_failures = [var.aws_region]
}

run "wrong_settings_next_to_right_ones_are_refused_too" {
  command = plan

  variables {
    assume_role_external_id = "x"
    kms_key                 = { arn = "alias/visio" }
  }

  expect_failures = [var.assume_role_external_id, var.kms_key]
}
