output "hash" {
  description = "SHA-256 of the package in base64, by which Lambda notices a change; null if there is no package"
  value       = local.found ? filebase64sha256(var.path) : null
}

output "built_for" {
  description = "Architecture that the program in the package was built for; null if the package does not show it"
  value       = local.built_for
}

output "problem" {
  description = "Why the function could not run the package, as one sentence for the operator; null if it can"
  value       = local.problem
}
