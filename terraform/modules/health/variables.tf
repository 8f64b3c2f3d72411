variable "name" {
  description = "Beginning of all names: the function is called NAME-health"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name: expected a small letter, then 2 to 39 small letters, digits and hyphens, such as clinic-prod."
  }
}

variable "package" {
  description = "Path of the function's zip, as terraform/build makes it"
  type        = string
}

variable "architecture" {
  description = "What the package was built for: arm64 or x86_64"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: expected arm64 or x86_64."
  }
}

variable "table_name" {
  description = "Name of the table that keeps the rooms"
  type        = string
}

variable "table_arn" {
  description = "ARN of the table"
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/.+$", var.table_arn))
    error_message = "table_arn: expected arn:aws:dynamodb:REGION:ACCOUNT:table/NAME."
  }
}

variable "websocket_url" {
  description = "Where clients connect, which is where the check visits"
  type        = string

  validation {
    condition     = can(regex("^wss?://[^/]+", var.websocket_url))
    error_message = "websocket_url: expected an address that starts with wss://."
  }
}

variable "health_secret_arn" {
  description = "ARN of a Secrets Manager secret that lets the check in where tokens are needed, into rooms of its own and no visit; the same as signaling's. See modules/health-secret"
  type        = string
  default     = null

  validation {
    condition     = var.health_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.health_secret_arn))
    error_message = "health_secret_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }
}

variable "service_name" {
  description = "What the service calls itself in its answers"
  type        = string
  default     = "visio-conference"

  validation {
    condition     = length(trimspace(var.service_name)) > 0
    error_message = "service_name: expected a name."
  }
}

variable "allowed_origins" {
  description = "Pages that may read the answers, by origin: scheme and host. [\"*\"]: any"
  type        = list(string)

  validation {
    condition     = length(var.allowed_origins) > 0
    error_message = "allowed_origins: expected at least one origin; the function would take none as any. Say [\"*\"] if you mean any."
  }

  validation {
    condition     = alltrue([for origin in var.allowed_origins : origin == "*" || can(regex("^https?://[^/?#* ,]+$", origin))])
    error_message = "allowed_origins: expected a scheme and a host with nothing after them, such as https://clinic.example or http://localhost:3000."
  }
}

variable "memory_size" {
  description = "Memory of the function in MB. Its share of a processor grows with it, and TLS wants one"
  type        = number
  default     = 256

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "memory_size: expected a whole number of MB from 128 to 10240."
  }
}

variable "timeout" {
  description = "Seconds for one answer. The visit is given up after four, and the answer says so"
  type        = number
  default     = 10

  validation {
    condition     = var.timeout >= 6 && var.timeout <= 60 && floor(var.timeout) == var.timeout
    error_message = "timeout: expected a whole number of seconds from 6, lest a failed visit never be told, to 60."
  }
}

variable "reserved_concurrency" {
  description = "Checks at a time, at most; null: what the account has left. Each environment holds a visit every ten seconds while it is polled, so that 2 to 5 are a lid on the bill. The account must keep 100 for the rest, which a new one does not have"
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency, false)
    error_message = "reserved_concurrency: expected a whole number from 1, or null. (0 would switch the function off.)"
  }
}

variable "enable_xray_tracing" {
  description = "Whether X-Ray traces the function"
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days for which logs are kept"
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: CloudWatch knows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653 days."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the table and for the log, and of the secret if it has one; null: AWS's own. Its policy has to let CloudWatch Logs use it: see modules/kms-key"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "create_alarms" {
  description = "Whether there are alarms. These four cost forty cents a month"
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "ARNs that are told when an alarm goes off, and when it is over; SNS topics usually"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions: expected ARNs, such as arn:aws:sns:REGION:ACCOUNT:TOPIC."
  }
}

variable "alarm_thresholds" {
  description = "What is too much: errors and throttles in 2 minutes, the part of the timeout that one check in a hundred takes, minutes of 5 in which a check failed"
  type = object({
    errors            = optional(number, 2)
    throttles         = optional(number, 5)
    duration_percent  = optional(number, 80)
    unhealthy_minutes = optional(number, 2)
  })
  default = {}

  validation {
    condition     = alltrue([for threshold in values(var.alarm_thresholds) : threshold >= 0]) && var.alarm_thresholds.duration_percent <= 100
    error_message = "alarm_thresholds: none can be less than 0, and no check takes more than 100 per cent of its timeout."
  }

  validation {
    condition     = contains([1, 2, 3, 4, 5], var.alarm_thresholds.unhealthy_minutes)
    error_message = "alarm_thresholds: unhealthy_minutes is 1 to 5."
  }
}

variable "tags" {
  description = "Tags of everything that can have some"
  type        = map(string)
  default     = {}
}
