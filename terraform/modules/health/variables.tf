variable "name" {
  description = "Prefix of all names: the function is called NAME-health. A lower-case letter, then 2 to 39 lower-case letters, digits and hyphens"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name: expected a lower-case letter, then 2 to 39 lower-case letters, digits and hyphens, such as clinic-prod."
  }
}

variable "package" {
  description = "Path of the function's zip, as terraform/build makes it. A package for another architecture is refused"
  type        = string
}

variable "architecture" {
  description = "Architecture that the function runs on, arm64 or x86_64. arm64 costs a fifth less"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: expected arm64 or x86_64."
  }
}

variable "function" {
  description = <<-EOT
    How the function runs.
    - memory_size: memory in MB, 128 to 10240. The share of a processor grows with it, and TLS needs some. Default 256
    - timeout: seconds for one answer, 6 to 60. The check gives up on a visit after four, and the answer says so. Default 10
    - reserved_concurrency: maximum of concurrent checks, from 1; null: whatever the account has left. Each instance holds a visit every ten seconds while it is polled, so 2 to 5 cap the bill. The account must keep 100 for other functions, which a new account does not have. Default none
    - service_name: name of the service in the answers. Default visio-conference
  EOT
  type = object({
    memory_size          = optional(number, 256)
    timeout              = optional(number, 10)
    reserved_concurrency = optional(number)
    service_name         = optional(string, "visio-conference")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.function.memory_size >= 128 && var.function.memory_size <= 10240 && floor(var.function.memory_size) == var.function.memory_size
    error_message = "function.memory_size: expected a whole number of MB from 128 to 10240."
  }

  validation {
    condition     = var.function.timeout >= 6 && var.function.timeout <= 60 && floor(var.function.timeout) == var.function.timeout
    error_message = "function.timeout: expected a whole number of seconds from 6 to 60. With less, the function could not report a visit that failed."
  }

  validation {
    condition     = try(var.function.reserved_concurrency >= 1 && floor(var.function.reserved_concurrency) == var.function.reserved_concurrency, var.function.reserved_concurrency == null)
    error_message = "function.reserved_concurrency: expected a whole number from 1, or null. (0 would switch the function off.)"
  }

  validation {
    condition     = length(trimspace(var.function.service_name)) > 0
    error_message = "function.service_name: expected a name."
  }
}

variable "table_name" {
  description = "Name of the table that stores the rooms"
  type        = string
}

variable "table_arn" {
  description = "ARN of the table that stores the rooms"
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/.+$", var.table_arn))
    error_message = "table_arn: expected arn:aws:dynamodb:REGION:ACCOUNT:table/NAME."
  }
}

variable "websocket_url" {
  description = "URL that clients connect to, wss://. The check holds its visits there"
  type        = string

  validation {
    condition     = can(regex("^wss?://[^/]+", var.websocket_url))
    error_message = "websocket_url: expected an address that starts with wss://."
  }
}

variable "health_secret_arn" {
  description = "ARN of the Secrets Manager secret that lets the check into rooms of its own, and into no visit, when tokens are required. Use the same secret for signaling; null: none. See modules/health-secret"
  type        = string
  default     = null

  validation {
    condition     = var.health_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.health_secret_arn))
    error_message = "health_secret_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }
}

variable "ice" {
  description = <<-EOT
    The STUN and TURN servers that clients are told of, and that the check asks. The same as for signaling.
    - stun_urls: URLs of STUN servers, such as stun:turn.clinic.example. Default none
    - turn_urls: URLs of TURN servers, such as turns:turn.clinic.example:443?transport=tcp. They need turn_secret_arn, or turn_username and turn_credential_arn. Default none
    - turn_secret_arn: ARN of a Secrets Manager secret in the function's region with the secret that the TURN servers have, such as coturn's static-auth-secret. It makes credentials that expire, for one client each. The secret is plain text. Default none
    - turn_username: a user name that the TURN servers know, the same for everybody. Default none
    - turn_credential_arn: ARN of a Secrets Manager secret in the function's region with the password of turn_username. The secret is plain text. Default none
    - turn_ttl_seconds: seconds for which credentials made with turn_secret_arn last, 10 to 86400. Default 3600
    - relay_only: whether all media must go through a TURN server, so that peers do not learn each other's addresses. Default false
  EOT
  type = object({
    stun_urls           = optional(list(string))
    turn_urls           = optional(list(string))
    turn_secret_arn     = optional(string)
    turn_username       = optional(string)
    turn_credential_arn = optional(string)
    turn_ttl_seconds    = optional(number)
    relay_only          = optional(bool)
  })
  default  = {}
  nullable = false
}

variable "allowed_origins" {
  description = "Origins of the pages that may read the answers, such as https://clinic.example; [\"*\"]: any page"
  type        = list(string)

  validation {
    condition     = length(var.allowed_origins) > 0
    error_message = "allowed_origins: expected at least one origin: the function takes an empty list to mean any origin. Use [\"*\"] if you mean that."
  }

  validation {
    condition     = alltrue([for origin in var.allowed_origins : origin == "*" || can(regex("^https?://[^/?#* ,]+$", origin))])
    error_message = "allowed_origins: expected a scheme and a host with nothing after them, such as https://clinic.example or http://localhost:3000."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key for the table and the log, and for the secrets if they use one; null: AWS's own keys. The key's policy must let CloudWatch Logs use it: see modules/kms-key"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "logs" {
  description = <<-EOT
    The function's log.
    - retention_days: days to keep it, one of the values that CloudWatch offers. Default 14
  EOT
  type = object({
    retention_days = optional(number, 14)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "logs.retention_days: CloudWatch offers 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653 days."
  }
}

variable "monitoring" {
  description = <<-EOT
    Traces.
    - xray_tracing: whether X-Ray traces the function. Default false
  EOT
  type = object({
    xray_tracing = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "alarms" {
  description = <<-EOT
    Alarms. The four together cost forty cents a month.
    - enabled: whether to create alarms. Default true
    - actions: ARNs to notify when an alarm fires and when it clears, usually of SNS topics. Default none
    - thresholds.errors: failed invocations in 2 minutes. Default 2
    - thresholds.throttles: invocations that Lambda refuses, in 2 minutes. Default 5
    - thresholds.duration_percent: percentage of its timeout that one check in a hundred takes, at most 100. Default 80
    - thresholds.unhealthy_minutes: minutes of 5 in which a check failed, 1 to 5. Default 2
  EOT
  type = object({
    enabled = optional(bool, true)
    actions = optional(list(string), [])
    thresholds = optional(object({
      errors            = optional(number, 2)
      throttles         = optional(number, 5)
      duration_percent  = optional(number, 80)
      unhealthy_minutes = optional(number, 2)
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for arn in var.alarms.actions : startswith(arn, "arn:")])
    error_message = "alarms.actions: expected ARNs, such as arn:aws:sns:REGION:ACCOUNT:TOPIC."
  }

  validation {
    condition     = alltrue([for threshold in values(var.alarms.thresholds) : coalesce(threshold, 0) >= 0])
    error_message = "alarms.thresholds: expected no value below 0."
  }

  validation {
    condition     = var.alarms.thresholds.duration_percent <= 100
    error_message = "alarms.thresholds.duration_percent: no check takes more than 100 percent of its timeout."
  }

  validation {
    condition     = contains([1, 2, 3, 4, 5], var.alarms.thresholds.unhealthy_minutes)
    error_message = "alarms.thresholds.unhealthy_minutes: expected a whole number from 1 to 5."
  }
}

variable "tags" {
  description = "Tags for everything that can have tags"
  type        = map(string)
  default     = {}
}
