# The whole of it, for one `terraform apply`: signaling, its health check, and what they may need of the account.

provider "aws" {
  region = var.aws_region

  dynamic "assume_role" {
    for_each = var.assume_role_arn == null ? [] : [var.assume_role_arn]

    content {
      role_arn    = assume_role.value
      external_id = var.assume_role_external_id
    }
  }

  default_tags {
    tags = merge({
      Project     = var.name_prefix
      Environment = var.environment
      ManagedBy   = "terraform"
    }, var.tags)
  }
}

data "aws_region" "current" {}

locals {
  name        = "${var.name_prefix}-${var.environment}"
  kms_key_arn = var.create_kms_key ? module.kms_key[0].key_arn : var.kms_key_arn

  # Whether visit tokens are needed.
  tokens = var.jwt_public_key != null || var.jwks != null || var.jwt_secret_arn != null

  # Where terraform/build puts them.
  packages      = "${path.module}/../target/functions/${var.lambda_architecture}"
  signaling_zip = coalesce(var.signaling_zip, "${local.packages}/signaling.zip")
  health_zip    = coalesce(var.health_zip, "${local.packages}/health.zip")
}

module "signaling" {
  source = "./modules/signaling"

  name        = local.name
  kms_key_arn = local.kms_key_arn

  package                 = local.signaling_zip
  architecture            = var.lambda_architecture
  memory_size             = var.signaling_memory_size
  timeout                 = var.signaling_timeout
  reserved_concurrency    = var.signaling_reserved_concurrency
  provisioned_concurrency = var.signaling_provisioned_concurrency
  allowed_origins         = var.allowed_origins
  jwt_public_key          = var.jwt_public_key
  jwks                    = var.jwks
  jwt_secret_arn          = var.jwt_secret_arn
  jwt_audience            = var.jwt_audience
  health_secret_arn       = one(module.health_secret[*].arn)
  max_message_bytes       = var.max_message_bytes
  max_peers_per_room      = var.max_peers_per_room
  environment_variables   = var.environment_variables
  enable_xray_tracing     = var.enable_xray_tracing
  log_retention_days      = var.log_retention_days

  table_max_request_units       = var.table_max_request_units
  enable_point_in_time_recovery = var.enable_point_in_time_recovery
  enable_deletion_protection    = var.enable_deletion_protection

  stage_name              = coalesce(var.stage_name, var.environment)
  throttling_rate_limit   = var.throttling_rate_limit
  throttling_burst_limit  = var.throttling_burst_limit
  connect_rate_limit      = var.connect_rate_limit
  connect_burst_limit     = var.connect_burst_limit
  enable_detailed_metrics = var.enable_detailed_metrics
  enable_access_logs      = var.enable_access_logs
  logging_level           = var.logging_level
  domain                  = var.domain

  create_alarms            = var.create_alarms
  alarm_actions            = var.alarm_actions
  alarm_thresholds         = var.alarm_thresholds
  create_dashboard         = var.create_dashboard
  dashboard_function_names = module.health[*].function_name

  # A stage with logs is refused until the account has a role for them.
  depends_on = [module.account_logging]
}

module "health" {
  source = "./modules/health"
  count  = var.enable_health ? 1 : 0

  name              = local.name
  table_name        = module.signaling.table_name
  table_arn         = module.signaling.table_arn
  websocket_url     = module.signaling.websocket_url
  service_name      = var.service_name
  allowed_origins   = var.allowed_origins
  health_secret_arn = one(module.health_secret[*].arn)
  kms_key_arn       = local.kms_key_arn

  package              = local.health_zip
  architecture         = var.lambda_architecture
  memory_size          = var.health_memory_size
  timeout              = var.health_timeout
  reserved_concurrency = var.health_reserved_concurrency
  enable_xray_tracing  = var.enable_xray_tracing
  log_retention_days   = var.log_retention_days

  create_alarms    = var.create_alarms
  alarm_actions    = var.alarm_actions
  alarm_thresholds = var.health_alarm_thresholds
}

module "health_secret" {
  source = "./modules/health-secret"
  count  = var.enable_health && local.tokens ? 1 : 0

  name        = local.name
  kms_key_arn = local.kms_key_arn
}

module "account_logging" {
  source = "./modules/account-logging"
  count  = var.manage_account_logging_role ? 1 : 0

  role_name = "${local.name}-apigateway-logs"
}

module "kms_key" {
  source = "./modules/kms-key"
  count  = var.create_kms_key ? 1 : 0

  name                    = local.name
  deletion_window_in_days = var.kms_key_deletion_window
}
