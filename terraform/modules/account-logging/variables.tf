variable "role_name" {
  description = "Name of the role, 1 to 64 letters, digits and any of + = , . @ _ -. Two regions of an account need two names"
  type        = string
  default     = "apigateway-cloudwatch-logs"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.role_name))
    error_message = "role_name: expected 1 to 64 letters, digits and any of + = , . @ _ -."
  }
}

variable "tags" {
  description = "Tags of everything that can have tags"
  type        = map(string)
  default     = {}
}
