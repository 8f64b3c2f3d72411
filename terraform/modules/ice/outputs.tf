output "environment" {
  description = "Environment variables by which both functions learn the settings"
  value       = local.environment
}

output "secret_arns" {
  description = "ARNs of the secrets that the function reads for these settings"
  value       = compact([var.ice.turn_secret_arn, var.ice.turn_credential_arn])
}
