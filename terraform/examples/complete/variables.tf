variable "aws_region" {
  description = "Region"
  type        = string
  default     = "eu-west-3"
}

variable "packages" {
  description = "Directory of signaling.zip and health.zip, as terraform/build makes them"
  type        = string
  default     = "../../../target/functions/x86_64"
}

variable "architecture" {
  description = "What the packages were built for"
  type        = string
  default     = "x86_64"
}

variable "jwt_public_key" {
  description = "Public key in PEM that visit tokens are checked with; null: open mode, in which everybody is let in"
  type        = string
  default     = null
}

variable "alarm_email" {
  description = "Who gets a mail when an alarm goes off, after confirming that they want to"
  type        = string
  default     = "on-call@clinic.example"
}

variable "enable_deletion_protection" {
  description = "Whether the table refuses to be deleted. Set it to false and apply, before you destroy"
  type        = bool
  default     = true
}

variable "domain" {
  description = "Domain, certificate and zone; null: API Gateway's own name"
  type = object({
    name            = string
    certificate_arn = string
    hosted_zone_id  = optional(string)
  })
  default = null
}
