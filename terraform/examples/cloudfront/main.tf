# Signaling behind CloudFront with AWS WAF, so that one address cannot use up the stage's connect
# rate.

provider "aws" {
  region = var.aws_region
}

# WAF and the certificates of CloudFront live in us-east-1, whatever the region of the rest.
provider "aws" {
  alias  = "global"
  region = "us-east-1"
}

locals {
  name = "visio-cloudfront"
  host = one(regex("^https://([^/]+)/", module.signaling.management_endpoint))
  url  = "wss://${aws_cloudfront_distribution.this.domain_name}/"
}

module "signaling" {
  source = "../../modules/signaling"

  name            = local.name
  package         = "${var.packages}/signaling.zip"
  allowed_origins = ["*"]
  require_api_key = true
}

# It connects as clients do, because the direct way is closed to it too.
module "health" {
  source = "../../modules/health"

  name            = local.name
  package         = "${var.packages}/health.zip"
  allowed_origins = ["*"]
  table_name      = module.signaling.table_name
  table_arn       = module.signaling.table_arn
  websocket_url   = local.url
}

################################################################################
# The key that only CloudFront sends
################################################################################

# AWS generates it. It is in the state and in the settings of the distribution. Whoever has it gets
# past WAF and no further, because tokens are checked as always.
resource "aws_api_gateway_api_key" "this" {
  name        = local.name
  description = "What CloudFront sends to the WebSocket API, and nobody else knows"
}

resource "aws_api_gateway_usage_plan" "this" {
  name        = local.name
  description = "Lets connections in that come through CloudFront"

  api_stages {
    api_id = module.signaling.api_id
    stage  = module.signaling.stage_name
  }
}

resource "aws_api_gateway_usage_plan_key" "this" {
  usage_plan_id = aws_api_gateway_usage_plan.this.id
  key_id        = aws_api_gateway_api_key.this.id
  key_type      = "API_KEY"
}

################################################################################
# CloudFront
################################################################################

data "aws_cloudfront_cache_policy" "none" {
  name = "Managed-CachingDisabled"
}

# Origin, Sec-WebSocket-* and the query reach the API. Host does not: API Gateway wants its own.
data "aws_cloudfront_origin_request_policy" "all_but_host" {
  name = "Managed-AllViewerExceptHostHeader"
}

resource "aws_cloudfront_distribution" "this" {
  # checkov:skip=CKV_AWS_86: an access log would hold the addresses of patients, and tokens where they are in the query
  # checkov:skip=CKV_AWS_174: CloudFront's own name has its own certificate and rules; with a name of yours, set minimum_protocol_version
  # checkov:skip=CKV_AWS_305: there are no objects, hence no default one
  # checkov:skip=CKV_AWS_310: there is one origin, and no second one to fail over to
  # checkov:skip=CKV_AWS_374: patients travel
  # checkov:skip=CKV2_AWS_32: nothing is shown in a browser, hence no headers that tell a browser how
  # checkov:skip=CKV2_AWS_42: CloudFront's own name; README.md says how to take one of yours
  # checkov:skip=CKV2_AWS_47: no Java, hence no Log4j, is behind it
  enabled         = true
  comment         = "WebSocket signaling of ${local.name}"
  is_ipv6_enabled = true
  http_version    = "http1.1" # of WebSockets
  web_acl_id      = aws_wafv2_web_acl.this.arn

  origin {
    origin_id   = "signaling"
    domain_name = local.host
    origin_path = "/${module.signaling.stage_name}"

    # CloudFront overwrites whatever the client sends under this name.
    custom_header {
      name  = "x-api-key"
      value = aws_api_gateway_api_key.this.value
    }

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id         = "signaling"
    viewer_protocol_policy   = "https-only"
    allowed_methods          = ["GET", "HEAD"]
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = data.aws_cloudfront_cache_policy.none.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all_but_host.id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
}

################################################################################
# WAF
################################################################################

resource "aws_wafv2_web_acl" "this" {
  # checkov:skip=CKV_AWS_192: no Java, hence no Log4j, is behind it
  # checkov:skip=CKV2_AWS_31: a log would hold the addresses of patients
  provider = aws.global

  name        = local.name
  description = "Connections that one address may open"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "connections-per-address"
    priority = 1

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
        limit                 = var.connections_per_address
      }
    }

    # A sample would keep addresses, and the query with its token.
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${local.name}-connections-per-address"
      sampled_requests_enabled   = false
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.name
    sampled_requests_enabled   = false
  }
}
