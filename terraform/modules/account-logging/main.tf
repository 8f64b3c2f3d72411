# The role by which API Gateway writes to CloudWatch, once for an account and a region. Without one, a WebSocket
# API can have neither access logs nor a logging level. It is shared by all APIs there, REST ones too: apply it
# once, and not where something else already manages it.

resource "aws_iam_role" "this" {
  name        = var.role_name
  description = "Lets API Gateway write to CloudWatch Logs"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "apigateway.amazonaws.com" }
    }]
  })

  tags = var.tags
}

data "aws_partition" "current" {}

# AWS's own policy, which API Gateway looks for.
resource "aws_iam_role_policy_attachment" "this" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  cloudwatch_role_arn = aws_iam_role.this.arn

  depends_on = [aws_iam_role_policy_attachment.this]
}
