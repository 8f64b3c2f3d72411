output "websocket_url" {
  description = "URL that clients connect to, through CloudFront"
  value       = local.url
}

output "direct_url" {
  description = "URL of the API itself, which refuses everybody without the key: 403"
  value       = module.signaling.websocket_url
}

output "health_url" {
  description = "URL of the health check"
  value       = module.health.health_url
}
