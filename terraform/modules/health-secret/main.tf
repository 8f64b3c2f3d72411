# The secret that lets the health check in where visit tokens are needed. Nobody ever types it.

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: it opens rooms of the health check's own, and no visit; README.md says how to replace it
  # Another name with a key than without one, which makes it another secret: the provider leaves one on its key if the
  # key is taken out (its issue 21623).
  name_prefix             = var.kms_key_arn == null ? "${var.name}-health-" : "${var.name}-health-kms-"
  description             = "Lets the health check into rooms of its own, and into no visit"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 0 # nobody needs it back

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

# A write-only argument: what is in it goes to AWS, once, and into no plan and no state. uuid() takes its bytes from the
# system's source for keys, and is another one each time that it is read. Two are over 240 bits. The provider's own
# ephemeral passwords do the same, but a mocked provider cannot have them (Terraform 1.11), not even where none is made.
resource "aws_secretsmanager_secret_version" "this" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = replace("${uuid()}${uuid()}", "-", "")
  secret_string_wo_version = 1

  lifecycle {
    create_before_destroy = true
  }
}
