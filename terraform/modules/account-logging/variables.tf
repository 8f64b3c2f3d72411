variable "role_name" {
  description = "Name of the role, 1 to 64 letters, digits and any of + = , . @ _ -. Each region of an account needs its own name"
  type        = string
  default     = "apigateway-cloudwatch-logs"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.role_name))
    error_message = "role_name: expected 1 to 64 letters, digits and any of + = , . @ _ -."
  }
}

variable "tags" {
  description = "Tags for everything that can have tags"
  type        = map(string)
  default     = {}
}
