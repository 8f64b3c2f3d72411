output "api_id" {
  description = "Id of the API"
  value       = aws_apigatewayv2_api.this.id
}

output "api_arn" {
  description = "ARN of the API"
  value       = aws_apigatewayv2_api.this.arn
}

output "api_execution_arn" {
  description = "Prefix of the ARNs of the API's stages and routes in IAM policies"
  value       = aws_apigatewayv2_api.this.execution_arn
}

output "stage_execution_arn" {
  description = "Beginning of the ARNs of the stage's connections in IAM policies: append `/POST/@connections/*` and the like"
  value       = local.stage_execution_arn
}

output "stage_name" {
  description = "Name of the stage"
  value       = aws_apigatewayv2_stage.this.name
}

output "snapshot" {
  description = "Hash of what the stage serves. When it changes, there is a new deployment"
  value       = aws_apigatewayv2_deployment.this.triggers.snapshot
}

output "websocket_url" {
  description = "URL that clients connect to: your own domain if there is one, else API Gateway's"
  value       = var.domain == null ? aws_apigatewayv2_stage.this.invoke_url : "wss://${var.domain.name}"

  # Until these are made, nothing answers at the domain.
  depends_on = [aws_apigatewayv2_api_mapping.this, aws_route53_record.this]
}

output "management_endpoint" {
  description = "URL where functions post messages to connections. Always API Gateway's own name, which works with and without a domain of your own"
  value       = local.management_endpoint
}

output "access_log_group_name" {
  description = "Name of the access log's group; null without one"
  value       = one(aws_cloudwatch_log_group.access[*].name)
}

output "domain_target" {
  description = "Name that the domain's DNS record has to point to, if you create the record; null without a domain"
  value       = one(aws_apigatewayv2_domain_name.this[*].domain_name_configuration[0].target_domain_name)
}

output "alarm_names" {
  description = "Names of the alarms"
  value       = sort([for it in aws_cloudwatch_metric_alarm.this : it.alarm_name])
}
