# The role that lets API Gateway write to CloudWatch. An account has one for each region, shared by
# all its APIs, REST ones too. Without it, a WebSocket API can have neither access logs nor a
# logging level. Apply this once, and not where something else already manages the role.

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

# AWS's own policy, which API Gateway requires.
resource "aws_iam_role_policy_attachment" "this" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  cloudwatch_role_arn = aws_iam_role.this.arn

  depends_on = [aws_iam_role_policy_attachment.this]
}
