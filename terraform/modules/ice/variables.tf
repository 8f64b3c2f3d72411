variable "ice" {
  description = <<-EOT
    The STUN and TURN servers.
    - stun_urls: URLs of STUN servers, such as stun:turn.clinic.example. Default none
    - turn_urls: URLs of TURN servers, such as turns:turn.clinic.example:443?transport=tcp. They need turn_secret_arn, or turn_username and turn_credential_arn. Default none
    - turn_secret_arn: ARN of a Secrets Manager secret in the function's region with the secret that the TURN servers have, such as coturn's static-auth-secret. It makes credentials that expire, for one client each. The secret is plain text. Default none
    - turn_username: a user name that the TURN servers know, the same for everybody. Default none
    - turn_credential_arn: ARN of a Secrets Manager secret in the function's region with the password of turn_username. The secret is plain text. Default none
    - turn_ttl_seconds: seconds for which credentials made with turn_secret_arn last, 10 to 86400. Default 3600
    - relay_only: whether all media must go through a TURN server, so that peers do not learn each other's addresses. Default false
  EOT
  type = object({
    stun_urls           = optional(list(string), [])
    turn_urls           = optional(list(string), [])
    turn_secret_arn     = optional(string)
    turn_username       = optional(string)
    turn_credential_arn = optional(string)
    turn_ttl_seconds    = optional(number, 3600)
    relay_only          = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for url in var.ice.stun_urls : can(regex("^stuns?:([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]+)?$", url))])
    error_message = "ice.stun_urls: expected stun:HOST, stun:HOST:PORT, or the same with stuns."
  }

  validation {
    condition     = alltrue([for url in var.ice.turn_urls : can(regex("^(turn:([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]+)?(\\?transport=(udp|tcp))?|turns:([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]+)?(\\?transport=tcp)?)$", url))])
    error_message = "ice.turn_urls: expected turn:HOST or turn:HOST:PORT, with ?transport=udp or ?transport=tcp after it if you like, or the same with turns, which has only ?transport=tcp."
  }

  validation {
    condition     = alltrue([for port in flatten([for url in concat(var.ice.stun_urls, var.ice.turn_urls) : try(regexall("^[a-z]+:[^?]+:([0-9]+)(?:\\?|$)", url), [])]) : tonumber(port) >= 1 && tonumber(port) <= 65535])
    error_message = "ice: expected ports from 1 to 65535 in stun_urls and turn_urls."
  }

  validation {
    condition     = length(var.ice.turn_urls) == 0 || var.ice.turn_secret_arn != null || var.ice.turn_username != null || var.ice.turn_credential_arn != null
    error_message = "ice.turn_urls: expected turn_secret_arn beside it, or turn_username and turn_credential_arn, because TURN servers let nobody in without credentials."
  }

  validation {
    condition     = length(var.ice.turn_urls) > 0 || (var.ice.turn_secret_arn == null && var.ice.turn_username == null && var.ice.turn_credential_arn == null)
    error_message = "ice.turn_urls: expected the URL of the TURN server whose credentials are set."
  }

  validation {
    condition     = var.ice.turn_secret_arn == null || (var.ice.turn_username == null && var.ice.turn_credential_arn == null)
    error_message = "ice.turn_secret_arn: expected no turn_username and no turn_credential_arn beside it."
  }

  validation {
    condition     = var.ice.turn_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.ice.turn_secret_arn))
    error_message = "ice.turn_secret_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }

  validation {
    condition     = var.ice.turn_username == null || var.ice.turn_credential_arn != null || var.ice.turn_secret_arn != null
    error_message = "ice.turn_credential_arn: expected the ARN of the secret with the password of turn_username."
  }

  validation {
    condition     = var.ice.turn_credential_arn == null || var.ice.turn_username != null || var.ice.turn_secret_arn != null
    error_message = "ice.turn_username: expected the user that turn_credential_arn is for."
  }

  validation {
    condition     = try(length(trimspace(var.ice.turn_username)) > 0, true)
    error_message = "ice.turn_username: expected a name, or null."
  }

  validation {
    condition     = var.ice.turn_credential_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.ice.turn_credential_arn))
    error_message = "ice.turn_credential_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }

  validation {
    condition     = var.ice.turn_ttl_seconds >= 10 && var.ice.turn_ttl_seconds <= 86400 && floor(var.ice.turn_ttl_seconds) == var.ice.turn_ttl_seconds
    error_message = "ice.turn_ttl_seconds: expected a whole number from 10 to 86400."
  }

  validation {
    condition     = !var.ice.relay_only || length(var.ice.turn_urls) > 0
    error_message = "ice.relay_only: expected turn_urls to be set too, because without a TURN server no media would get through."
  }
}
