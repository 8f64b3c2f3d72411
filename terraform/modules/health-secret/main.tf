# The secret that lets the health check in when visit tokens are required. Nobody ever types it.

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: it opens only the health check's own rooms, and no visit; README.md says how to replace it
  # The name differs with and without a KMS key, so that adding or removing one makes a new secret.
  # The provider would leave the old one on its key (its issue 21623).
  name_prefix             = var.kms_key_arn == null ? "${var.name}-health-" : "${var.name}-health-kms-"
  description             = "Lets the health check into rooms of its own, and into no visit"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 0 # nobody needs to restore it

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

# A write-only argument goes to AWS once, and into no plan and no state. uuid() takes its bytes from
# the system's source of randomness for keys, and is new each time. Two of them are over 240 bits.
# The provider's ephemeral passwords would do the same, but a mocked provider cannot have those
# (Terraform 1.11), not even if none is made.
resource "aws_secretsmanager_secret_version" "this" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = replace("${uuid()}${uuid()}", "-", "")
  secret_string_wo_version = 1

  lifecycle {
    create_before_destroy = true
  }
}
