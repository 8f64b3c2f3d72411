variable "aws_region" {
  description = "Region of everything but CloudFront and WAF, which are global. Default eu-west-3"
  type        = string
  default     = "eu-west-3"
}

variable "packages" {
  description = "Directory of signaling.zip and health.zip, as terraform/build makes them. Default: where terraform/build puts those for arm64"
  type        = string
  default     = "../../../target/functions/arm64"
}

variable "connections_per_address" {
  description = "Connections that one address may open in 5 minutes, from 10; WAF refuses more with 429. A clinic or a mobile carrier is one address for many people. Default 300, one a second"
  type        = number
  default     = 300

  validation {
    condition     = var.connections_per_address >= 10 && floor(var.connections_per_address) == var.connections_per_address
    error_message = "connections_per_address: expected a whole number from 10, the least that WAF takes."
  }
}
