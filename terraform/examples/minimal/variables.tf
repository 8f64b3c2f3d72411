variable "aws_region" {
  description = "Region"
  type        = string
  default     = "eu-west-3"
}

variable "packages" {
  description = "Directory of signaling.zip and health.zip, as terraform/build makes them"
  type        = string
  default     = "../../../target/functions/arm64"
}
