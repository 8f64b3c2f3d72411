output "role_arn" {
  description = "ARN of the role. Make an API with logs after this"
  value       = aws_api_gateway_account.this.cloudwatch_role_arn
}
