# The version knows it as well, and only when there is something to read.
output "arn" {
  description = "ARN of the secret, for signaling and the health check"
  value       = aws_secretsmanager_secret_version.this.arn
}
