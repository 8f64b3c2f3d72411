variable "name" {
  description = "Name of the key, which the console shows as alias/NAME. 1 to 200 letters, digits and any of / _ -"
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9/_-]{1,200}$", var.name)) && !startswith(var.name, "aws/")
    error_message = "name: expected 1 to 200 letters, digits and any of / _ -, not beginning with aws/."
  }
}

variable "deletion_window_in_days" {
  description = "Days for which the key can be restored after terraform destroy, 7 to 30"
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_in_days >= 7 && var.deletion_window_in_days <= 30 && floor(var.deletion_window_in_days) == var.deletion_window_in_days
    error_message = "deletion_window_in_days: expected a whole number from 7 to 30."
  }
}

variable "tags" {
  description = "Tags for the key"
  type        = map(string)
  default     = {}
}
