output "base_url" {
  description = "Public URL, without a trailing slash"
  value       = trimsuffix(aws_lambda_function_url.this.function_url, "/")
}

output "health_url" {
  description = "URL of the health check"
  value       = "${trimsuffix(aws_lambda_function_url.this.function_url, "/")}/health"
}

output "status_url" {
  description = "URL of the short health check"
  value       = "${trimsuffix(aws_lambda_function_url.this.function_url, "/")}/status"
}

output "function_name" {
  description = "Name of the function"
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function"
  value       = aws_lambda_function.this.arn
}

output "role_arn" {
  description = "ARN of the function's role"
  value       = aws_iam_role.this.arn
}

output "log_group_name" {
  description = "Name of the function's log group"
  value       = aws_cloudwatch_log_group.this.name
}

output "alarm_names" {
  description = "Names of the alarms"
  value = sort(concat(
    [for it in aws_cloudwatch_metric_alarm.function : it.alarm_name],
    aws_cloudwatch_metric_alarm.unhealthy[*].alarm_name,
  ))
}
