# examples/cloudfront: one address cannot use up the connect rate, and nobody gets around WAF.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "global"
  source = "./tests/mocks"
}

variables {
  packages = "./tests/packages/arm64"
}

run "one_address_is_limited_and_the_direct_route_is_closed" {
  module {
    source = "./examples/cloudfront"
  }

  assert {
    condition     = one(one(one(aws_wafv2_web_acl.this.rule).statement).rate_based_statement).aggregate_key_type == "IP" && one(one(one(aws_wafv2_web_acl.this.rule).statement).rate_based_statement).limit == 300
    error_message = "WAF does not count by address"
  }

  assert {
    condition     = aws_wafv2_web_acl.this.scope == "CLOUDFRONT" && aws_cloudfront_distribution.this.web_acl_id == aws_wafv2_web_acl.this.arn
    error_message = "WAF is not in front of the distribution"
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.origin).domain_name == "abcde12345.execute-api.eu-west-3.amazonaws.com" && one(aws_cloudfront_distribution.this.origin).origin_path == "/prod"
    error_message = "CloudFront leads elsewhere"
  }

  assert {
    condition     = { for it in one(aws_cloudfront_distribution.this.origin).custom_header : it.name => it.value } == { x-api-key = aws_api_gateway_api_key.this.value }
    error_message = "CloudFront does not send the key that the API requires"
  }

  assert {
    condition     = [for it in aws_api_gateway_usage_plan.this.api_stages : [it.api_id, it.stage]] == [["abcde12345", "prod"]] && aws_api_gateway_usage_plan_key.this.key_id == aws_api_gateway_api_key.this.id
    error_message = "the key is for another stage"
  }

  assert {
    condition     = alltrue([for it in concat([aws_wafv2_web_acl.this.visibility_config], [one(aws_wafv2_web_acl.this.rule).visibility_config]) : !one(it).sampled_requests_enabled]) && length(aws_cloudfront_distribution.this.logging_config) == 0
    error_message = "addresses and tokens are kept"
  }

  assert {
    condition     = output.websocket_url == "wss://d111111abcdef8.cloudfront.net/" && output.direct_url != output.websocket_url
    error_message = "clients go past CloudFront: ${output.websocket_url}"
  }
}

run "fewer_connections_than_waf_can_count_are_refused" {
  command = plan

  module {
    source = "./examples/cloudfront"
  }

  variables {
    connections_per_address = 9
  }

  expect_failures = [var.connections_per_address]
}
