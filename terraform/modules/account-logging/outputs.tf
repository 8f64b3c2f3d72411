output "role_arn" {
  description = "ARN of the role. An API with logs has to be made after this"
  value       = aws_api_gateway_account.this.cloudwatch_role_arn
}
