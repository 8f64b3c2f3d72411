################################################################################
# To copy and paste
################################################################################

output "websocket_url" {
  description = "URL that clients connect to"
  value       = module.signaling.websocket_url
}

output "wscat_command" {
  description = "Command that connects from a terminal"
  value       = "wscat -c ${module.signaling.websocket_url}"
}

output "health_url" {
  description = "URL of the health check; null without one"
  value       = one(module.health[*].health_url)
}

output "status_url" {
  description = "URL of the short health check; null without one"
  value       = one(module.health[*].status_url)
}

output "health_base_url" {
  description = "URL of the health check without a path; null without one"
  value       = one(module.health[*].base_url)
}

output "frontend_env_variable" {
  description = "Line for the front end's .env, with the URL that its indicator polls; null without a health check"
  value       = one([for health in module.health : "NEXT_PUBLIC_VISIO_HEALTH_URL=${health.health_url}"])
}

output "page_query" {
  description = "Query to append to the visit page's address, so that it connects here"
  value = join("", [
    "?server=${urlencode(module.signaling.websocket_url)}",
    join("", [for health in module.health : "&health=${urlencode(health.health_url)}"]),
  ])
}

output "logs_command" {
  description = "Command that follows the signaling function's log"
  value       = "aws logs tail ${module.signaling.log_group_name} --region ${data.aws_region.current.id} --follow"
}

output "health_logs_command" {
  description = "Command that follows the health check's log; null without one"
  value       = one([for health in module.health : "aws logs tail ${health.log_group_name} --region ${data.aws_region.current.id} --follow"])
}

output "dashboard_url" {
  description = "URL of the dashboard in the console; null without one"
  value = one([for name in compact([module.signaling.dashboard_name]) :
    "https://${data.aws_region.current.id}.console.aws.amazon.com/cloudwatch/home?region=${data.aws_region.current.id}#dashboards/dashboard/${name}"
  ])
}

################################################################################
# For other configurations
################################################################################

output "aws_region" {
  description = "Region of everything here"
  value       = data.aws_region.current.id
}

output "websocket_management_endpoint" {
  description = "URL where functions post messages to connections"
  value       = module.signaling.management_endpoint
}

output "websocket_api_id" {
  description = "Id of the WebSocket API"
  value       = module.signaling.api_id
}

output "websocket_api_execution_arn" {
  description = "Prefix of the ARNs of the API's stages and routes in IAM policies"
  value       = module.signaling.api_execution_arn
}

output "websocket_stage_name" {
  description = "Name of the stage"
  value       = module.signaling.stage_name
}

output "domain_target" {
  description = "Name that the domain's DNS record has to point to, if you create the record; null without a domain"
  value       = module.signaling.domain_target
}

output "function_names" {
  description = "Names of the functions"
  value = merge(
    { signaling = module.signaling.function_name },
    { for health in module.health : "health" => health.function_name },
  )
}

output "function_arns" {
  description = "ARNs of the functions"
  value = merge(
    { signaling = module.signaling.function_arn },
    { for health in module.health : "health" => health.function_arn },
  )
}

output "role_arns" {
  description = "ARNs of the functions' roles"
  value = merge(
    { signaling = module.signaling.role_arn },
    { for health in module.health : "health" => health.role_arn },
  )
}

output "table_name" {
  description = "Name of the table"
  value       = module.signaling.table_name
}

output "table_arn" {
  description = "ARN of the table"
  value       = module.signaling.table_arn
}

output "log_group_names" {
  description = "Names of the log groups, for `aws logs tail`"
  value = merge(
    { signaling = module.signaling.log_group_name },
    { for health in module.health : "health" => health.log_group_name },
    { for name in compact([module.signaling.access_log_group_name]) : "access" => name },
  )
}

output "alarm_names" {
  description = "Names of the alarms"
  value       = sort(concat(module.signaling.alarm_names, flatten(module.health[*].alarm_names)))
}

output "kms_key_arn" {
  description = "ARN of the KMS key of the table, the logs and the health check's secret; null if AWS's own keys are used"
  value       = local.kms_key_arn
}
