# Everything for one `terraform apply`: signaling, its health check and whatever they need in the
# account.

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
  kms_key_arn = var.kms_key.create ? module.kms_key[0].key_arn : var.kms_key.arn

  # Where terraform/build puts them.
  packages = "${path.module}/../target/functions/${var.lambda_architecture}"
}

# Groups of settings go through as they are. Each module takes the attributes that it knows, and
# knows their defaults.
module "signaling" {
  source = "./modules/signaling"

  name        = local.name
  kms_key_arn = local.kms_key_arn

  package           = coalesce(var.signaling.package, "${local.packages}/signaling.zip")
  architecture      = var.lambda_architecture
  function          = var.signaling
  allowed_origins   = var.allowed_origins
  tokens            = var.tokens
  health_secret_arn = one(module.health_secret[*].arn)
  ice               = var.ice

  stage_name = coalesce(var.stage_name, var.environment)
  throttling = var.throttling
  domain     = var.domain
  table      = var.table

  logs       = var.logs
  alarms     = var.alarms
  monitoring = var.monitoring

  dashboard_function_names = module.health[*].function_name

  # A stage with logs is refused until the account has a role for them.
  depends_on = [module.account_logging]
}

module "health" {
  source = "./modules/health"
  count  = var.health.enabled ? 1 : 0

  name              = local.name
  table_name        = module.signaling.table_name
  table_arn         = module.signaling.table_arn
  websocket_url     = module.signaling.websocket_url
  allowed_origins   = var.allowed_origins
  health_secret_arn = one(module.health_secret[*].arn)
  ice               = var.ice
  kms_key_arn       = local.kms_key_arn

  package      = coalesce(var.health.package, "${local.packages}/health.zip")
  architecture = var.lambda_architecture
  function     = var.health

  logs       = var.logs
  alarms     = merge(var.alarms, { thresholds = var.alarms.health_thresholds })
  monitoring = var.monitoring
}

module "health_secret" {
  source = "./modules/health-secret"
  count  = var.health.enabled && var.tokens != null ? 1 : 0

  name        = local.name
  kms_key_arn = local.kms_key_arn
}

module "account_logging" {
  source = "./modules/account-logging"
  count  = var.logs.manage_account_role ? 1 : 0

  role_name = "${local.name}-apigateway-logs"
}

module "kms_key" {
  source = "./modules/kms-key"
  count  = var.kms_key.create ? 1 : 0

  name                    = local.name
  deletion_window_in_days = var.kms_key.deletion_window_in_days
}
