output "arn" {
  description = "ARN of the secret, for signaling and the health check"
  value       = aws_secretsmanager_secret.this.arn

  # There is nothing to read before.
  depends_on = [aws_secretsmanager_secret_version.this]
}
