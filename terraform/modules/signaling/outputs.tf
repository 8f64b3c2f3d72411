output "websocket_url" {
  description = "URL that clients connect to"
  value       = module.api.websocket_url
}

output "management_endpoint" {
  description = "URL to which the function posts messages for connections"
  value       = module.api.management_endpoint
}

output "api_id" {
  description = "Id of the API"
  value       = module.api.api_id
}

output "api_execution_arn" {
  description = "Prefix of the ARNs of the API's stages and routes in IAM policies"
  value       = module.api.api_execution_arn
}

output "stage_name" {
  description = "Name of the stage"
  value       = module.api.stage_name
}

output "domain_target" {
  description = "Name that the domain's DNS record has to point to, if you create the record; null without a domain"
  value       = module.api.domain_target
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

output "table_name" {
  description = "Name of the table"
  value       = aws_dynamodb_table.this.name
}

output "table_arn" {
  description = "ARN of the table"
  value       = aws_dynamodb_table.this.arn
}

output "log_group_name" {
  description = "Name of the function's log group"
  value       = aws_cloudwatch_log_group.this.name
}

output "access_log_group_name" {
  description = "Name of the access log's group; null without one"
  value       = module.api.access_log_group_name
}

output "alarm_names" {
  description = "Names of the alarms, the API's included"
  value = sort(concat(
    module.api.alarm_names,
    [for it in aws_cloudwatch_metric_alarm.function : it.alarm_name],
    aws_cloudwatch_metric_alarm.unhandled[*].alarm_name,
    [for it in aws_cloudwatch_metric_alarm.table : it.alarm_name],
  ))
}

output "dashboard_name" {
  description = "Name of the dashboard; null without one"
  value       = one(aws_cloudwatch_dashboard.this[*].dashboard_name)
}
