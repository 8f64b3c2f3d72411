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
  description = "Architecture that the functions run on, and for which the packages were built"
  type        = string
  default     = "x86_64"
}

variable "jwt_public_key" {
  description = "Public key in PEM that visit tokens are checked with; null: open mode, in which everybody is let in"
  type        = string
  default     = null
}

variable "alarm_email" {
  description = "Address that gets a mail when an alarm goes off. AWS first asks it to confirm"
  type        = string
  default     = "on-call@clinic.example"
}

variable "enable_deletion_protection" {
  description = "Whether the table refuses to be deleted. Before you destroy, set this to false and apply"
  type        = bool
  default     = true
}

variable "domain" {
  description = <<-EOT
    A domain name of your own; null: API Gateway's own name.
    - name: the domain name, in lower case
    - certificate_arn: ARN of an ACM certificate for it, in the same region
    - hosted_zone_id: Route 53 zone in which to create the DNS record; null: you create it. Default none
  EOT
  type = object({
    name            = string
    certificate_arn = string
    hosted_zone_id  = optional(string)
  })
  default = null
}
