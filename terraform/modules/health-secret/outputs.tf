output "arn" {
  description = "ARN of the secret, for signaling and the health check"
  value       = aws_secretsmanager_secret.this.arn

  # Until the version is made, there is nothing to read.
  depends_on = [aws_secretsmanager_secret_version.this]
}
