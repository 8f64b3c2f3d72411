# Every part: a clinic's production with logs, a key, alarms by email, a domain and warm
# functions.

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = { Project = "clinic", Environment = "prod" }
  }
}

locals {
  name    = "visio-complete"
  origins = ["https://clinic.example", "https://www.clinic.example"]
}

module "signaling" {
  source = "../../modules/signaling"

  name        = local.name
  description = "Video visits of the clinic"
  kms_key_arn = module.kms_key.key_arn

  package           = "${var.packages}/signaling.zip"
  architecture      = var.architecture
  allowed_origins   = local.origins
  tokens            = var.jwt_public_key == null ? null : { public_key = var.jwt_public_key, audience = "visio" }
  health_secret_arn = one(module.health_secret[*].arn)

  function = {
    memory_size             = 512
    timeout                 = 20
    reserved_concurrency    = 50
    provisioned_concurrency = 2
    max_message_bytes       = 16384
    max_peers_per_room      = 4
  }

  table = {
    max_request_units   = { read = 200, write = 200 }
    deletion_protection = var.enable_deletion_protection
  }

  stage_name = "v1"
  domain     = var.domain

  throttling = {
    rate_limit          = 500
    burst_limit         = 1000
    connect_rate_limit  = 20
    connect_burst_limit = 40
  }

  logs = {
    retention_days = 30
    access_logs    = true
    logging_level  = "ERROR"
  }

  monitoring = {
    detailed_metrics = true
    xray_tracing     = true
  }

  alarms = {
    actions    = [aws_sns_topic.alarms.arn]
    thresholds = { messages_per_day = 200000, concurrency = 40 }
  }

  dashboard_function_names = [module.health.function_name]

  # A stage with logs is refused until the account has a role for them.
  depends_on = [module.account_logging]
}

module "health" {
  source = "../../modules/health"

  name              = local.name
  package           = "${var.packages}/health.zip"
  architecture      = var.architecture
  allowed_origins   = local.origins
  health_secret_arn = one(module.health_secret[*].arn)
  table_name        = module.signaling.table_name
  table_arn         = module.signaling.table_arn
  websocket_url     = module.signaling.websocket_url
  kms_key_arn       = module.kms_key.key_arn

  function   = { reserved_concurrency = 2, service_name = "clinic-video" }
  logs       = { retention_days = 30 }
  monitoring = { xray_tracing = true }

  alarms = {
    actions    = [aws_sns_topic.alarms.arn]
    thresholds = { unhealthy_minutes = 3 }
  }
}

# In open mode anybody can join, the health check too.
module "health_secret" {
  source = "../../modules/health-secret"
  count  = var.jwt_public_key == null ? 0 : 1

  name        = local.name
  kms_key_arn = module.kms_key.key_arn
}

module "kms_key" {
  source = "../../modules/kms-key"

  name                    = local.name
  deletion_window_in_days = 7
}

module "account_logging" {
  source = "../../modules/account-logging"

  role_name = "${local.name}-apigateway-logs"
}

resource "aws_sns_topic" "alarms" {
  # checkov:skip=CKV_AWS_26: alarms name functions and thresholds, nothing personal
  name = "${local.name}-alarms"
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
