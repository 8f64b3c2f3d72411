variable "name" {
  description = "Beginning of the secret's name: NAME-health- or, with a key of yours, NAME-health-kms-, and something that no other has"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name: expected a small letter, then 2 to 39 small letters, digits and hyphens, such as clinic-prod."
  }
}

variable "kms_key_arn" {
  description = "KMS key for the secret, the same as that of both functions; null: AWS's own. With a key for the first time, or without one again, it is another secret"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "tags" {
  description = "Tags of the secret"
  type        = map(string)
  default     = {}
}
