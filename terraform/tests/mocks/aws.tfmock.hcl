# What AWS makes up, where something of ours looks at its shape.

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    api_endpoint  = "wss://abcde12345.execute-api.eu-west-3.amazonaws.com"
    arn           = "arn:aws:apigateway:eu-west-3::/apis/abcde12345"
    execution_arn = "arn:aws:execute-api:eu-west-3:123456789012:abcde12345"
    id            = "abcde12345"
  }
}

mock_resource "aws_apigatewayv2_stage" {
  defaults = {
    invoke_url = "wss://abcde12345.execute-api.eu-west-3.amazonaws.com/STAGE"
  }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn        = "arn:aws:lambda:eu-west-3:123456789012:function:FUNCTION"
    invoke_arn = "arn:aws:apigateway:eu-west-3:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-3:123456789012:function:FUNCTION/invocations"
    version    = "7"
  }
}

mock_resource "aws_lambda_alias" {
  defaults = {
    invoke_arn = "arn:aws:apigateway:eu-west-3:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-3:123456789012:function:FUNCTION:ALIAS/invocations"
  }
}

mock_resource "aws_lambda_function_url" {
  defaults = {
    function_url = "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-3.on.aws/"
  }
}

mock_resource "aws_dynamodb_table" {
  defaults = {
    arn = "arn:aws:dynamodb:eu-west-3:123456789012:table/TABLE"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-west-3:123456789012:log-group:GROUP"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/ROLE"
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn    = "arn:aws:kms:eu-west-3:123456789012:key/KEY"
    key_id = "KEY"
  }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = {
    arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:SECRET-AbCdEf"
  }
}

mock_data "aws_region" {
  defaults = {
    id   = "eu-west-3"
    name = "eu-west-3"
  }
}

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    domain_name = "d111111abcdef8.cloudfront.net"
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/ACL/1"
  }
}
