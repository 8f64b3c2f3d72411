# Signaling and its health check with as few settings as possible.

provider "aws" {
  region = var.aws_region
}

module "signaling" {
  source = "../../modules/signaling"

  name            = "visio-minimal"
  package         = "${var.packages}/signaling.zip"
  allowed_origins = ["*"]
}

module "health" {
  source = "../../modules/health"

  name            = "visio-minimal"
  package         = "${var.packages}/health.zip"
  allowed_origins = ["*"]
  table_name      = module.signaling.table_name
  table_arn       = module.signaling.table_arn
  websocket_url   = module.signaling.websocket_url
}
