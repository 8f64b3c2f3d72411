################################################################################
# All of it
################################################################################

variable "name" {
  description = "Name of the API and the table, and the beginning of all other names"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name: expected a small letter, then 2 to 39 small letters, digits and hyphens, such as clinic-prod."
  }
}

variable "description" {
  description = "What the API is for, as the console shows it"
  type        = string
  default     = "WebRTC signaling over WebSocket"
}

variable "tags" {
  description = "Tags of everything that can have some"
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "KMS key for the table and the logs, and of the secrets if they have one; null: AWS's own. Its policy has to let CloudWatch Logs use it: see modules/kms-key"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

################################################################################
# Function
################################################################################

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

variable "memory_size" {
  description = "Memory of the function in MB. Its share of a processor grows with it"
  type        = number
  default     = 256

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "memory_size: expected a whole number of MB from 128 to 10240."
  }
}

variable "timeout" {
  description = "Seconds for one message. A client that moves from one connection to another may be held for two"
  type        = number
  default     = 15

  validation {
    condition     = var.timeout >= 5 && var.timeout <= 29 && floor(var.timeout) == var.timeout
    error_message = "timeout: expected a whole number of seconds from 5, which a slow table takes, to 29, after which API Gateway waits no longer."
  }
}

variable "reserved_concurrency" {
  description = "Executions at a time that are kept for the function, and its most; null: what the account has left. The account must keep 100 for the rest, which a new one does not have"
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency, false)
    error_message = "reserved_concurrency: expected a whole number from 1, or null. (0 would switch the function off.)"
  }
}

variable "provisioned_concurrency" {
  description = "Environments of the function that are kept warm, for some $2.20 a month each with 256 MB on arm64; 0: none"
  type        = number
  default     = 0

  validation {
    condition     = var.provisioned_concurrency >= 0 && floor(var.provisioned_concurrency) == var.provisioned_concurrency
    error_message = "provisioned_concurrency: expected a whole number from 0."
  }

  validation {
    condition     = var.reserved_concurrency == null || var.provisioned_concurrency <= coalesce(var.reserved_concurrency, 0)
    error_message = "provisioned_concurrency: no more can be kept warm than reserved_concurrency allows."
  }
}

variable "allowed_origins" {
  description = "Pages that may connect, by origin: scheme and host. [\"*\"]: any. It keeps strange pages out, and nobody else: only browsers send an origin"
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

variable "max_message_bytes" {
  description = "The longest message that is taken"
  type        = number
  default     = 32768

  validation {
    condition     = var.max_message_bytes >= 1 && var.max_message_bytes <= 32768 && floor(var.max_message_bytes) == var.max_message_bytes
    error_message = "max_message_bytes: expected a whole number from 1 to 32768, which is the longest frame that API Gateway takes."
  }
}

variable "max_peers_per_room" {
  description = "Seats in a room"
  type        = number
  default     = 16

  validation {
    condition     = var.max_peers_per_room >= 1 && var.max_peers_per_room <= 1000 && floor(var.max_peers_per_room) == var.max_peers_per_room
    error_message = "max_peers_per_room: expected a whole number from 1 to 1000."
  }
}

variable "jwt_public_key" {
  description = "Public key in PEM that visit tokens are checked with: RSA, P-256 or Ed25519. Without one, jwks or jwt_secret_arn everybody is let in (open mode)"
  type        = string
  default     = null

  validation {
    condition     = var.jwt_public_key == null || can(regex("^\\s*-----BEGIN PUBLIC KEY-----\\s[A-Za-z0-9+/=\\s]+-----END PUBLIC KEY-----\\s*$", var.jwt_public_key))
    error_message = "jwt_public_key: expected the text of a public key in PEM, as openssl pkey -pubout prints it. A private key stays with the backend that makes the tokens."
  }
}

variable "jwks" {
  description = "Public keys that visit tokens are checked with, as a JWK Set: for keys that take turns. Instead of jwt_public_key"
  type        = string
  default     = null

  validation {
    condition     = var.jwks == null || (try(length(jsondecode(var.jwks).keys) > 0, false) && length(coalesce(var.jwks, "-")) <= 3000)
    error_message = "jwks: expected the text of a JWK Set, {\"keys\": [...]}, of at most 3000 characters: Lambda's environment ends at 4096."
  }

  validation {
    condition     = var.jwks == null || try(alltrue([for key in jsondecode(var.jwks).keys : key.kty != "oct" && !contains(keys(key), "d")]), true)
    error_message = "jwks: a key in the set is secret (kty oct, or with a d). It would be in the state and in the function's settings, for many to read, and who has it makes tokens. Take public keys only, or jwt_secret_arn."
  }

  validation {
    condition     = var.jwks == null || var.jwt_public_key == null
    error_message = "jwks: there is a jwt_public_key already. Take one of the two."
  }
}

variable "jwt_secret_arn" {
  description = "ARN of a Secrets Manager secret of the function's region that holds, as plain text, what visit tokens are signed with (HS256, 32 bytes or more): for backends that sign with a secret. Instead of a public key"
  type        = string
  default     = null

  validation {
    condition     = var.jwt_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.jwt_secret_arn))
    error_message = "jwt_secret_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }

  validation {
    condition     = var.jwt_secret_arn == null || (var.jwt_public_key == null && var.jwks == null)
    error_message = "jwt_secret_arn: there is a jwt_public_key or jwks already. Take one of the three."
  }
}

variable "jwt_audience" {
  description = "What visit tokens have to name as aud; null: they name none"
  type        = string
  default     = null

  validation {
    condition     = var.jwt_audience == null || var.jwt_public_key != null || var.jwks != null || var.jwt_secret_arn != null
    error_message = "jwt_audience: without jwt_public_key, jwks or jwt_secret_arn no token is checked."
  }
}

variable "health_secret_arn" {
  description = "ARN of a Secrets Manager secret that lets the health check into rooms of its own where tokens are needed, and into no visit; the same as the health check's. See modules/health-secret"
  type        = string
  default     = null

  validation {
    condition     = var.health_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.health_secret_arn))
    error_message = "health_secret_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }
}

variable "environment_variables" {
  description = "Further variables for the function's environment. They can be read in the state and the console: no secrets"
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment_variables) : can(regex("^[A-Za-z][A-Za-z0-9_]*$", name))])
    error_message = "environment_variables: expected names of letters, digits and underscores that begin with a letter."
  }

  validation {
    condition = length(setintersection(keys(var.environment_variables), [
      "VISIO_TABLE", "VISIO_MANAGEMENT_ENDPOINT", "VISIO_ALLOWED_ORIGIN", "VISIO_MAX_MESSAGE_BYTES", "VISIO_MAX_PEERS_PER_ROOM",
      "VISIO_JWT_PUBLIC_KEY", "VISIO_JWKS", "VISIO_JWT_AUDIENCE",
    ])) == 0
    error_message = "environment_variables: VISIO_TABLE and VISIO_MANAGEMENT_ENDPOINT are set here; for the others there are allowed_origins, max_message_bytes, max_peers_per_room, jwt_public_key, jwks and jwt_audience."
  }

  validation {
    condition     = alltrue([for name in keys(var.environment_variables) : !can(regex("SECRET|PASSWORD|PRIVATE|CREDENTIAL", upper(name)))])
    error_message = "environment_variables: a name sounds like a secret, and would be in the state for many to read. For tokens, take a public key, jwt_public_key, or the ARN of a secret, jwt_secret_arn."
  }
}

variable "enable_xray_tracing" {
  description = "Whether X-Ray traces the function. API Gateway does not trace WebSockets, so that there is little to see"
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

################################################################################
# Table
################################################################################

variable "table_max_request_units" {
  description = "A fuse: units a second that the table takes; null: no limit but the account's. A visit takes some ten writes, and no reads worth speaking of. To take it out again: -1 for both, since AWS keeps what nobody names"
  type = object({
    read  = number
    write = number
  })
  default = null

  validation {
    condition     = var.table_max_request_units == null || try(alltrue([for units in values(var.table_max_request_units) : units == -1 || (units >= 1 && floor(units) == units)]), false)
    error_message = "table_max_request_units: expected whole numbers from 1, or -1, which takes a limit out again."
  }
}

variable "enable_point_in_time_recovery" {
  description = "Whether every state of the table can be restored for 35 days. Rooms live for hours: it would only keep who met whom"
  type        = bool
  default     = false
}

variable "enable_deletion_protection" {
  description = "Whether the table refuses to be deleted, and Terraform to destroy"
  type        = bool
  default     = false
}

################################################################################
# API
################################################################################

variable "stage_name" {
  description = "Name of the stage, the last part of the URL"
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name: expected 1 to 128 letters, digits, hyphens and underscores."
  }
}

variable "throttling_rate_limit" {
  description = "Messages a second, of all connections together, that are let through"
  type        = number
  default     = 1000
}

variable "throttling_burst_limit" {
  description = "Messages that are let through at once"
  type        = number
  default     = 1000
}

variable "connect_rate_limit" {
  description = "Connections a second that are let through"
  type        = number
  default     = 50
}

variable "connect_burst_limit" {
  description = "Connections that are let through at once"
  type        = number
  default     = 100
}

variable "require_api_key" {
  description = "Whether API Gateway refuses a connection whose header x-api-key does not hold a key of a usage plan of this stage. For a CloudFront distribution in front, which adds the header: see examples/cloudfront. Browsers cannot send it. Default false"
  type        = bool
  default     = false
}

variable "enable_detailed_metrics" {
  description = "Whether there are metrics of each route. They are charged for"
  type        = bool
  default     = false
}

variable "enable_access_logs" {
  description = "Whether every message leaves a line in CloudWatch: when, which route, how it went; nothing of its content or its sender's address. The account needs a role for it: see modules/account-logging"
  type        = bool
  default     = false
}

variable "logging_level" {
  description = "What API Gateway logs of its own doings, to a log group that it makes itself, which log_retention_days and destroy do not reach: OFF, ERROR or INFO. The account needs a role for it: see modules/account-logging"
  type        = string
  default     = "OFF"
}

variable "domain" {
  description = "A domain name of one's own, with an ACM certificate of the same region, and a Route 53 zone if the record is to be made as well; null: none. It cannot be shared with HTTP or REST APIs"
  type = object({
    name            = string
    certificate_arn = string
    hosted_zone_id  = optional(string)
  })
  default = null
}

################################################################################
# Alarms and dashboard
################################################################################

variable "create_alarms" {
  description = "Whether there are alarms. Each metric in one costs ten cents a month: 15 in all, the API included"
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "ARNs that are told when an alarm goes off, and when it is over; SNS topics usually"
  type        = list(string)
  default     = []
}

variable "alarm_thresholds" {
  description = "What is too much. Of the API: errors in 5 minutes, milliseconds for one message in a hundred, messages in a day. Of the function: errors and throttles in 2 minutes, the part of its timeout that one invocation in a hundred takes, executions at a time (null: no alarm), messages that were not handled in 5 minutes. Of the table: errors and throttled requests in 5 minutes"
  type = object({
    integration_errors = optional(number, 5)
    execution_errors   = optional(number, 5)
    client_errors      = optional(number, 100)
    latency_ms         = optional(number, 3000)
    messages_per_day   = optional(number, 1000000)
    errors             = optional(number, 10)
    throttles          = optional(number, 5)
    duration_percent   = optional(number, 80)
    concurrency        = optional(number)
    unhandled          = optional(number, 5)
    table_errors       = optional(number, 5)
    table_throttles    = optional(number, 5)
  })
  default = {}

  validation {
    condition     = alltrue([for threshold in values(var.alarm_thresholds) : coalesce(threshold, 0) >= 0])
    error_message = "alarm_thresholds: none can be less than 0."
  }

  validation {
    condition     = var.alarm_thresholds.duration_percent <= 100
    error_message = "alarm_thresholds: no invocation takes more than 100 per cent of its timeout."
  }
}

variable "create_dashboard" {
  description = "Whether there is a dashboard. Three an account are free"
  type        = bool
  default     = true
}

variable "dashboard_function_names" {
  description = "Further functions for the dashboard to show, such as the health check's"
  type        = list(string)
  default     = []
}
