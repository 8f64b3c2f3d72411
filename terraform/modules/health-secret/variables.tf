variable "name" {
  description = "Prefix of the secret's name, which is NAME-health- or, with a KMS key of your own, NAME-health-kms-, and a unique suffix. A lower-case letter, then 2 to 39 lower-case letters, digits and hyphens"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name: expected a lower-case letter, then 2 to 39 lower-case letters, digits and hyphens, such as clinic-prod."
  }
}

variable "kms_key_arn" {
  description = "ARN of a KMS key for the secret, the same as that of both functions; null: AWS's own key. Adding or removing a key creates a new secret"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "tags" {
  description = "Tags for the secret"
  type        = map(string)
  default     = {}
}
