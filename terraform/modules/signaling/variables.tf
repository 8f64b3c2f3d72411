################################################################################
# General
################################################################################

variable "name" {
  description = "Name of the API and the table, and prefix of all other names. A lower-case letter, then 2 to 39 lower-case letters, digits and hyphens"
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,39}$", var.name))
    error_message = "name: expected a lower-case letter, then 2 to 39 lower-case letters, digits and hyphens, such as clinic-prod."
  }
}

variable "description" {
  description = "What the API is for, as the console shows it"
  type        = string
  default     = "WebRTC signaling over WebSocket"
}

variable "tags" {
  description = "Tags for everything that can have tags"
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "ARN of a KMS key for the table and the logs, and for the secrets if they use one; null: AWS's own keys. The key's policy must let CloudWatch Logs use it: see modules/kms-key"
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
    - memory_size: memory in MB, 128 to 10240. The share of a processor grows with it. Default 256
    - timeout: seconds for one message, 5 to 29. A client that moves from one connection to another may wait for two. Default 15
    - reserved_concurrency: concurrent executions that are reserved for the function, which are also its maximum, from 1; null: whatever the account has left. The account must keep 100 for other functions, which a new account does not have. Default none
    - provisioned_concurrency: instances to keep warm, about $2.20 a month each with 256 MB on arm64. Default 0
    - max_message_bytes: length of the longest message that is accepted, 1 to 32768 bytes. Default 32768
    - max_peers_per_room: seats in a room, 1 to 256. Default 16
    - grace_seconds: seconds for which a peer that lost its connection keeps its seat, 0 to 600. Default 20
    - environment_variables: more environment variables for the function. The state and the console show them, so put no secrets here. Default none
  EOT
  type = object({
    memory_size             = optional(number, 256)
    timeout                 = optional(number, 15)
    reserved_concurrency    = optional(number)
    provisioned_concurrency = optional(number, 0)
    max_message_bytes       = optional(number, 32768)
    max_peers_per_room      = optional(number, 16)
    grace_seconds           = optional(number, 20)
    environment_variables   = optional(map(string), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.function.memory_size >= 128 && var.function.memory_size <= 10240 && floor(var.function.memory_size) == var.function.memory_size
    error_message = "function.memory_size: expected a whole number of MB from 128 to 10240."
  }

  validation {
    condition     = var.function.timeout >= 5 && var.function.timeout <= 29 && floor(var.function.timeout) == var.function.timeout
    error_message = "function.timeout: expected a whole number of seconds from 5 to 29. A slow table takes 5, and API Gateway waits no longer than 29."
  }

  validation {
    condition     = try(var.function.reserved_concurrency >= 1 && floor(var.function.reserved_concurrency) == var.function.reserved_concurrency, var.function.reserved_concurrency == null)
    error_message = "function.reserved_concurrency: expected a whole number from 1, or null. (0 would switch the function off.)"
  }

  validation {
    condition     = var.function.provisioned_concurrency >= 0 && floor(var.function.provisioned_concurrency) == var.function.provisioned_concurrency
    error_message = "function.provisioned_concurrency: expected a whole number from 0."
  }

  validation {
    condition     = try(var.function.provisioned_concurrency <= var.function.reserved_concurrency, true)
    error_message = "function.provisioned_concurrency: expected at most reserved_concurrency."
  }

  validation {
    condition     = var.function.max_message_bytes >= 1 && var.function.max_message_bytes <= 32768 && floor(var.function.max_message_bytes) == var.function.max_message_bytes
    error_message = "function.max_message_bytes: expected a whole number from 1 to 32768, the longest frame that API Gateway accepts."
  }

  validation {
    condition     = var.function.max_peers_per_room >= 1 && var.function.max_peers_per_room <= 256 && floor(var.function.max_peers_per_room) == var.function.max_peers_per_room
    error_message = "function.max_peers_per_room: expected a whole number from 1 to 256."
  }

  validation {
    condition     = var.function.grace_seconds >= 0 && var.function.grace_seconds <= 600 && floor(var.function.grace_seconds) == var.function.grace_seconds
    error_message = "function.grace_seconds: expected a whole number from 0 to 600."
  }

  validation {
    condition     = alltrue([for name in keys(var.function.environment_variables) : can(regex("^[A-Za-z][A-Za-z0-9_]*$", name))])
    error_message = "function.environment_variables: expected names of letters, digits and underscores that begin with a letter."
  }

  validation {
    condition = length(setintersection(keys(var.function.environment_variables), [
      "VISIO_TABLE", "VISIO_MANAGEMENT_ENDPOINT", "VISIO_ALLOWED_ORIGIN", "VISIO_MAX_MESSAGE_BYTES", "VISIO_MAX_PEERS_PER_ROOM",
      "VISIO_GRACE_SECONDS", "VISIO_JWT_PUBLIC_KEY", "VISIO_JWKS", "VISIO_JWT_AUDIENCE",
      "VISIO_STUN_URL", "VISIO_TURN_URL", "VISIO_TURN_USERNAME", "VISIO_TURN_TTL_SECONDS", "VISIO_RELAY_ONLY",
    ])) == 0
    error_message = "function.environment_variables: this module sets VISIO_TABLE and VISIO_MANAGEMENT_ENDPOINT. For the others use allowed_origins, function.max_message_bytes, function.max_peers_per_room, function.grace_seconds, tokens and ice."
  }

  validation {
    condition     = alltrue([for name in keys(var.function.environment_variables) : !can(regex("SECRET|PASSWORD|PRIVATE|CREDENTIAL", upper(name)))])
    error_message = "function.environment_variables: a name sounds like a secret, and the state would show its value to many. For tokens, use a public key (tokens.public_key) or the ARN of a secret (tokens.secret_arn). For TURN, use the ARN of a secret (ice.turn_secret_arn, ice.turn_credential_arn)."
  }
}

variable "allowed_origins" {
  description = "Origins of the pages that may connect, such as https://clinic.example; [\"*\"]: any page. This keeps out other sites' pages and nothing else, because only browsers send an origin"
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

variable "tokens" {
  description = <<-EOT
    The key that verifies visit tokens: exactly one of public_key, jwks and secret_arn. null: open mode, in which anybody can join.
    - public_key: public key in PEM: RSA, P-256 or Ed25519. Default none
    - jwks: public keys as a JWK Set, for key rotation, at most 3000 characters. Default none
    - secret_arn: ARN of a Secrets Manager secret in the function's region, for backends that sign with a secret (HS256). The secret is plain text of 32 bytes or more. A public key is the better choice. Default none
    - audience: value that tokens must have as aud; null: tokens must have no aud. Default none
  EOT
  type = object({
    public_key = optional(string)
    jwks       = optional(string)
    secret_arn = optional(string)
    audience   = optional(string)
  })
  default = null

  validation {
    condition     = var.tokens == null || length([for key in [try(var.tokens.public_key, null), try(var.tokens.jwks, null), try(var.tokens.secret_arn, null)] : key if key != null]) == 1
    error_message = "tokens: expected exactly one of public_key, jwks and secret_arn. For open mode, in which anybody can join, leave tokens out."
  }

  validation {
    condition     = try(var.tokens.public_key, null) == null || can(regex("^\\s*-----BEGIN PUBLIC KEY-----\\s[A-Za-z0-9+/=\\s]+-----END PUBLIC KEY-----\\s*$", var.tokens.public_key))
    error_message = "tokens.public_key: expected the text of a public key in PEM, as openssl pkey -pubout prints it. The private key stays with the backend that makes the tokens."
  }

  validation {
    condition     = try(var.tokens.jwks, null) == null || (try(length(jsondecode(var.tokens.jwks).keys) > 0, false) && try(length(var.tokens.jwks) <= 3000, false))
    error_message = "tokens.jwks: expected the text of a JWK Set, {\"keys\": [...]}, of at most 3000 characters: Lambda's environment holds at most 4096."
  }

  validation {
    condition     = try(alltrue([for key in jsondecode(var.tokens.jwks).keys : key.kty != "oct" && !contains(keys(key), "d")]), true)
    error_message = "tokens.jwks: a key in the set is secret (kty oct, or with a d). The state and the function's settings would show it to many, and anybody who has it can make tokens. Use only public keys, or secret_arn."
  }

  validation {
    condition     = try(var.tokens.secret_arn, null) == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.tokens.secret_arn))
    error_message = "tokens.secret_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }
}

variable "health_secret_arn" {
  description = "ARN of the Secrets Manager secret that lets the health check into rooms of its own when tokens are required. Use the same secret for the health check; null: none. See modules/health-secret"
  type        = string
  default     = null

  validation {
    condition     = var.health_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.health_secret_arn))
    error_message = "health_secret_arn: expected the whole ARN of a secret, with the six characters at its end, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf."
  }
}

variable "ice" {
  description = <<-EOT
    The STUN and TURN servers that clients are told of. Without TURN, calls fail where a firewall blocks direct media.
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

################################################################################
# Table
################################################################################

variable "table" {
  description = <<-EOT
    The table that stores the rooms. Its capacity is on demand, and rooms live for hours.
    - max_request_units: a cap on throughput, as { read = NUMBER, write = NUMBER } in units a second from 1; null: only the account's limit. A visit takes about ten writes and thirty reads. To remove a cap, set -1 for both: AWS keeps a cap that you no longer set. Default none
    - point_in_time_recovery: whether AWS can restore any state of the table from the last 35 days. Mostly that would preserve who met whom. Default false
    - deletion_protection: whether the table cannot be deleted, which also blocks terraform destroy. Default false
  EOT
  type = object({
    max_request_units = optional(object({
      read  = number
      write = number
    }))
    point_in_time_recovery = optional(bool, false)
    deletion_protection    = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.table.max_request_units == null || try(alltrue([for units in values(var.table.max_request_units) : units == -1 || (units >= 1 && floor(units) == units)]), false)
    error_message = "table.max_request_units: expected whole numbers from 1, or -1, which removes the cap."
  }
}

################################################################################
# API
################################################################################

variable "stage_name" {
  description = "Name of the stage, the last part of the URL. 1 to 128 letters, digits, hyphens and underscores"
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name: expected 1 to 128 letters, digits, hyphens and underscores."
  }
}

variable "throttling" {
  description = <<-EOT
    Limits of the stage, for all clients together. Anything above them is refused with 429.
    - rate_limit: messages a second, 1 to 10000. Default 1000
    - burst_limit: messages at once, 1 to 5000. Some regions have 1250 for a whole account. Default 1000
    - connect_rate_limit: new connections a second, 1 to 500. Default 50
    - connect_burst_limit: new connections at once, 1 to 5000. Default 100
  EOT
  type = object({
    rate_limit          = optional(number)
    burst_limit         = optional(number)
    connect_rate_limit  = optional(number)
    connect_burst_limit = optional(number)
  })
  default  = {}
  nullable = false
}

variable "require_api_key" {
  description = "Whether to refuse a connection unless its header x-api-key holds a key of a usage plan of this stage. It is made for a CloudFront distribution in front, which adds the header (examples/cloudfront); browsers cannot send it"
  type        = bool
  default     = false
}

variable "domain" {
  description = <<-EOT
    Your own domain name for the API; null: none. HTTP and REST APIs cannot share it.
    - name: the domain name, in lower case, such as visio.clinic.example
    - certificate_arn: ARN of an ACM certificate for it, in the same region
    - hosted_zone_id: Route 53 zone in which to create the DNS record; null: you create it. Default none
  EOT
  type = object({
    name            = string
    certificate_arn = string
    hosted_zone_id  = optional(string)
  })
  default = null
}

################################################################################
# Logs, alarms and dashboard
################################################################################

variable "logs" {
  description = <<-EOT
    What is logged. Access logs and a logging level need a role in the account: see modules/account-logging.
    - retention_days: days to keep the function's log and the access log, one of the values that CloudWatch offers. Default 14
    - access_logs: whether to log a line for each message, with its time, route and outcome, but not its content or its sender's address. Default false
    - logging_level: what API Gateway logs about its own work: OFF, ERROR or INFO. API Gateway makes the log group for it, which retention_days and destroy do not affect. Default OFF
  EOT
  type = object({
    retention_days = optional(number, 14)
    access_logs    = optional(bool)
    logging_level  = optional(string)
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
    Metrics, traces and the dashboard.
    - detailed_metrics: whether to collect metrics for each route, which AWS charges for. Default false
    - xray_tracing: whether X-Ray traces the function. API Gateway does not trace WebSockets, so there is little to see. Default false
    - dashboard: whether to create a dashboard. Three in an account are free. Default true
  EOT
  type = object({
    detailed_metrics = optional(bool)
    xray_tracing     = optional(bool, false)
    dashboard        = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "alarms" {
  description = <<-EOT
    Alarms. Each metric in one costs ten cents a month: 15 in all, the API included.
    - enabled: whether to create alarms. Default true
    - actions: ARNs to notify when an alarm fires and when it clears, usually of SNS topics. Default none
    - thresholds.integration_errors: errors of functions that the API sees, in 5 minutes. Default 5
    - thresholds.execution_errors: failures of API Gateway to call the function, in 5 minutes. Default 5
    - thresholds.client_errors: requests refused before the function sees them, in 5 minutes. Default 100
    - thresholds.latency_ms: milliseconds that one message in a hundred takes. Default 3000
    - thresholds.messages_per_day: messages in a day. Default 1000000
    - thresholds.errors: failed invocations in 2 minutes. Default 10
    - thresholds.throttles: invocations that Lambda refuses, in 2 minutes. Default 5
    - thresholds.duration_percent: percentage of its timeout that one invocation in a hundred takes, at most 100. Default 80
    - thresholds.concurrency: concurrent executions; null: no alarm on them. Default none
    - thresholds.unhandled: messages that the function could not handle, in 5 minutes. Default 5
    - thresholds.table_errors: errors of the table in 5 minutes. Default 5
    - thresholds.table_throttles: requests that the table refuses, in 5 minutes. Default 5
  EOT
  type = object({
    enabled = optional(bool, true)
    actions = optional(list(string), [])
    thresholds = optional(object({
      integration_errors = optional(number)
      execution_errors   = optional(number)
      client_errors      = optional(number)
      latency_ms         = optional(number)
      messages_per_day   = optional(number)
      errors             = optional(number, 10)
      throttles          = optional(number, 5)
      duration_percent   = optional(number, 80)
      concurrency        = optional(number)
      unhandled          = optional(number, 5)
      table_errors       = optional(number, 5)
      table_throttles    = optional(number, 5)
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for threshold in values(var.alarms.thresholds) : coalesce(threshold, 0) >= 0])
    error_message = "alarms.thresholds: expected no value below 0."
  }

  validation {
    condition     = var.alarms.thresholds.duration_percent <= 100
    error_message = "alarms.thresholds.duration_percent: no invocation takes more than 100 percent of its timeout."
  }
}

variable "dashboard_function_names" {
  description = "Names of other functions that the dashboard shows, such as the health check's. Not part of monitoring, because those functions may depend on this module"
  type        = list(string)
  default     = []
}
