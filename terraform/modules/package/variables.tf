variable "path" {
  description = "Path of the package, the zip that terraform/build makes"
  type        = string
}

variable "architecture" {
  description = "Architecture that the function runs on: arm64 or x86_64. The package has to be built for it"
  type        = string

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: expected arm64 or x86_64."
  }
}
