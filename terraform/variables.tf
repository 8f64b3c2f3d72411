################################################################################
# Region and names
################################################################################

variable "aws_region" {
  description = "Region, such as eu-west-3; null: the region of your AWS configuration or AWS_REGION. Choose one where the law allows patient data to be"
  type        = string
  default     = null

  validation {
    condition     = var.aws_region == null || can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region: expected the name of a region, such as eu-west-3."
  }

  validation {
    condition     = !can(regex("^(cn|us-gov|eusc|[a-z]{2}-iso[a-z]*)-", coalesce(var.aws_region, "-")))
    error_message = "aws_region: expected a region of AWS's standard partition. China and the other separate clouds have other endpoints, which nobody has tried. Lambda in GovCloud writes no JSON logs."
  }
}

variable "assume_role_arn" {
  description = "ARN of an IAM role to assume for everything here; null: no role, only your own rights"
  type        = string
  default     = null

  validation {
    condition     = var.assume_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/.+$", var.assume_role_arn))
    error_message = "assume_role_arn: expected arn:aws:iam::ACCOUNT:role/NAME."
  }
}

variable "assume_role_external_id" {
  description = "External id that the owner of assume_role_arn requires; null: none"
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.assume_role_external_id == null || var.assume_role_arn != null
    error_message = "assume_role_external_id: expected assume_role_arn to be set too."
  }
}

variable "name_prefix" {
  description = "Prefix of all names. A lower-case letter, then 1 to 30 lower-case letters, digits and hyphens"
  type        = string
  default     = "visio"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name_prefix))
    error_message = "name_prefix: expected a lower-case letter, then 1 to 30 lower-case letters, digits and hyphens."
  }
}

variable "environment" {
  description = "Purpose of this deployment: dev, staging or prod. It is in all names and in the URL. prod refuses careless settings: any origin, no tokens"
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment: expected dev, staging or prod."
  }
}

variable "tags" {
  description = "Tags for everything that can have tags, in addition to Project, Environment and ManagedBy"
  type        = map(string)
  default     = {}
}

################################################################################
# Access
################################################################################

variable "allowed_origins" {
  description = "Origins of the pages that may connect and may read the health check, such as https://clinic.example; [\"*\"]: any page, which prod refuses"
  type        = list(string)
  default     = ["*"]

  validation {
    condition     = !(var.environment == "prod" && contains(var.allowed_origins, "*"))
    error_message = "allowed_origins: in prod, name the pages that may connect, such as [\"https://clinic.example\"]. With \"*\", any page that a visitor opens can connect."
  }

  validation {
    condition     = !(var.environment == "prod" && anytrue([for origin in var.allowed_origins : startswith(origin, "http://")]))
    error_message = "allowed_origins: in prod, use only https:// pages: browsers give other pages no camera."
  }
}

variable "tokens" {
  description = <<-EOT
    The key that verifies visit tokens: exactly one of public_key, jwks and secret_arn. null: open mode, in which anybody can join, and which prod refuses without open_mode.
    - public_key: public key in PEM, such as file("visits.pem"): RSA, P-256 or Ed25519. Default none
    - jwks: public keys as a JWK Set, for key rotation, at most 3000 characters. Default none
    - secret_arn: ARN of a Secrets Manager secret in this region, for backends that sign with a secret (HS256). The secret is plain text of 32 bytes or more. A public key is the better choice. Default none
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
    condition     = !(var.environment == "prod" && strcontains(replace(try(coalesce(var.tokens.public_key), "-"), "/\\s/", ""), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
    error_message = "tokens.public_key: expected a key of your own. The private half of this one is published in RFC 8037, so anybody can make tokens with it."
  }

  validation {
    condition     = !(var.environment == "prod" && try(anytrue([for key in jsondecode(var.tokens.jwks).keys : startswith(try(key.x, ""), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]), false))
    error_message = "tokens.jwks: expected keys of your own. The private half of one of these is published in RFC 8037, so anybody can make tokens with it."
  }
}

variable "open_mode" {
  description = "Confirms that you know: without tokens, anybody who has the URL can join any room. Only prod asks for it"
  type        = bool
  default     = false

  validation {
    condition     = var.environment != "prod" || var.open_mode || var.tokens != null
    error_message = "open_mode: in prod, set tokens, so that only holders of a visit token get in. Without tokens, anybody who has the URL can join any room, because origins stop only browsers. Set open_mode = true if that is what you want."
  }

  validation {
    condition     = !(var.open_mode && var.tokens != null)
    error_message = "open_mode: with tokens set, nobody gets in without one. Remove tokens, or set this to false."
  }
}

################################################################################
# Functions
################################################################################

variable "lambda_architecture" {
  description = "Architecture that the functions run on and that their packages must be built for: arm64 or x86_64. arm64 costs a fifth less"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.lambda_architecture)
    error_message = "lambda_architecture: expected arm64 or x86_64."
  }
}

variable "signaling" {
  description = <<-EOT
    The function that serves the WebSocket API.
    - package: path of its zip, as terraform/build makes it. Default target/functions/ARCHITECTURE/signaling.zip
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
    package                 = optional(string)
    memory_size             = optional(number)
    timeout                 = optional(number)
    reserved_concurrency    = optional(number)
    provisioned_concurrency = optional(number)
    max_message_bytes       = optional(number)
    max_peers_per_room      = optional(number)
    grace_seconds           = optional(number)
    environment_variables   = optional(map(string))
  })
  default  = {}
  nullable = false
}

variable "health" {
  description = <<-EOT
    The health check, a function with a public URL.
    - enabled: whether to create the health check. Default true
    - package: path of its zip, as terraform/build makes it. Default target/functions/ARCHITECTURE/health.zip
    - memory_size: memory in MB, 128 to 10240. The share of a processor grows with it, and TLS needs some. Default 256
    - timeout: seconds for one answer, 6 to 60. The check gives up on a visit after four, and the answer says so. Default 10
    - reserved_concurrency: maximum of concurrent checks, from 1; null: whatever the account has left. Each instance holds a visit every ten seconds while it is polled, so 2 to 5 cap the bill. The account must keep 100 for other functions, which a new account does not have. Default none
    - service_name: name of the service in the answers. Default visio-conference
  EOT
  type = object({
    enabled              = optional(bool, true)
    package              = optional(string)
    memory_size          = optional(number)
    timeout              = optional(number)
    reserved_concurrency = optional(number)
    service_name         = optional(string)
  })
  default  = {}
  nullable = false
}

variable "ice" {
  description = <<-EOT
    The STUN and TURN servers that clients are told of, and that the health check asks. Without TURN, calls fail where a firewall blocks direct media.
    - stun_urls: URLs of STUN servers, such as stun:turn.clinic.example. Default none
    - turn_urls: URLs of TURN servers, such as turns:turn.clinic.example:443?transport=tcp. They need turn_secret_arn, or turn_username and turn_credential_arn. Default none
    - turn_secret_arn: ARN of a Secrets Manager secret in this region with the secret that the TURN servers have, such as coturn's static-auth-secret. It makes credentials that expire, for one client each. The secret is plain text. Default none
    - turn_username: a user name that the TURN servers know, the same for everybody. Default none
    - turn_credential_arn: ARN of a Secrets Manager secret in this region with the password of turn_username. The secret is plain text. Default none
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
# API
################################################################################

variable "stage_name" {
  description = "Name of the stage, the last part of the URL; null: the environment. 1 to 128 letters, digits, hyphens and underscores"
  type        = string
  default     = null
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
# Table and key
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
    point_in_time_recovery = optional(bool)
    deletion_protection    = optional(bool)
  })
  default  = {}
  nullable = false
}

variable "kms_key" {
  description = <<-EOT
    A KMS key of your own for the table, the logs and the health check's secret. Without one, AWS's own keys are used.
    - create: whether to create one here, for a dollar a month. Default false
    - arn: ARN of a key that you have. Its policy must let CloudWatch Logs use it: see modules/kms-key. Default none
    - deletion_window_in_days: days for which a key created here can be restored after terraform destroy, 7 to 30. Default 30
  EOT
  type = object({
    create                  = optional(bool, false)
    arn                     = optional(string)
    deletion_window_in_days = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.kms_key.arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key.arn))
    error_message = "kms_key.arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }

  validation {
    condition     = !(var.kms_key.create && var.kms_key.arn != null)
    error_message = "kms_key: expected create or arn, not both."
  }
}

################################################################################
# Logs, alarms and dashboard
################################################################################

variable "logs" {
  description = <<-EOT
    What is logged. Access logs and a logging level need a role in the account: see manage_account_role.
    - retention_days: days to keep the function's log and the access log, one of the values that CloudWatch offers. Default 14
    - access_logs: whether to log a line for each message, with its time, route and outcome, but not its content or its sender's address. Default false
    - logging_level: what API Gateway logs about its own work: OFF, ERROR or INFO. API Gateway makes the log group for it, which retention_days and destroy do not affect. Default OFF
    - manage_account_role: whether to create that role here. An account has one for each region, shared by all its APIs; leave this out if something else manages it. Default false
  EOT
  type = object({
    retention_days      = optional(number)
    access_logs         = optional(bool)
    logging_level       = optional(string)
    manage_account_role = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "monitoring" {
  description = <<-EOT
    Metrics, traces and the dashboard.
    - detailed_metrics: whether to collect metrics for each route, which AWS charges for. Default false
    - xray_tracing: whether X-Ray traces the functions. API Gateway does not trace WebSockets, so there is little to see. Default false
    - dashboard: whether to create a dashboard. Three in an account are free. Default true
  EOT
  type = object({
    detailed_metrics = optional(bool)
    xray_tracing     = optional(bool)
    dashboard        = optional(bool)
  })
  default  = {}
  nullable = false
}

variable "alarms" {
  description = <<-EOT
    Alarms. Each metric in one costs ten cents a month: 19 in all.
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
    - health_thresholds.errors: failed invocations of the health check in 2 minutes. Default 2
    - health_thresholds.throttles: checks that Lambda refuses, in 2 minutes. Default 5
    - health_thresholds.duration_percent: percentage of its timeout that one check in a hundred takes, at most 100. Default 80
    - health_thresholds.unhealthy_minutes: minutes of 5 in which a check failed, 1 to 5. Default 2
  EOT
  type = object({
    enabled = optional(bool)
    actions = optional(list(string))
    thresholds = optional(object({
      integration_errors = optional(number)
      execution_errors   = optional(number)
      client_errors      = optional(number)
      latency_ms         = optional(number)
      messages_per_day   = optional(number)
      errors             = optional(number)
      throttles          = optional(number)
      duration_percent   = optional(number)
      concurrency        = optional(number)
      unhandled          = optional(number)
      table_errors       = optional(number)
      table_throttles    = optional(number)
    }))
    health_thresholds = optional(object({
      errors            = optional(number)
      throttles         = optional(number)
      duration_percent  = optional(number)
      unhealthy_minutes = optional(number)
    }))
  })
  default  = {}
  nullable = false
}
