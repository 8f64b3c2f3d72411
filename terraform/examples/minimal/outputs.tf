output "websocket_url" {
  description = "Where clients connect"
  value       = module.signaling.websocket_url
}

output "health_url" {
  description = "The health check"
  value       = module.health.health_url
}
