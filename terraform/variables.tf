################################################################################
# Where, and what it is called
################################################################################

variable "aws_region" {
  description = "Region; null: as your AWS configuration or AWS_REGION says. Data of patients should stay where your law wants it"
  type        = string
  default     = null

  validation {
    condition     = var.aws_region == null || can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region: expected the name of a region, such as eu-west-3."
  }

  validation {
    condition     = !can(regex("^(cn|us-gov|eusc|[a-z]{2}-iso[a-z]*)-", coalesce(var.aws_region, "-")))
    error_message = "aws_region: expected a region of AWS's standard partition. China and the other clouds apart have other endpoints, which nobody has tried, and GovCloud's Lambda writes no JSON logs."
  }
}

variable "assume_role_arn" {
  description = "Role to take on for all of this; null: whoever you are"
  type        = string
  default     = null

  validation {
    condition     = var.assume_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/.+$", var.assume_role_arn))
    error_message = "assume_role_arn: expected arn:aws:iam::ACCOUNT:role/NAME."
  }
}

variable "assume_role_external_id" {
  description = "What the role's owner wants to hear from you; null: nothing"
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.assume_role_external_id == null || var.assume_role_arn != null
    error_message = "assume_role_external_id: there is no assume_role_arn that it could be for."
  }
}

variable "name_prefix" {
  description = "Beginning of all names"
  type        = string
  default     = "visio"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name_prefix))
    error_message = "name_prefix: expected a small letter, then 1 to 30 small letters, digits and hyphens."
  }
}

variable "environment" {
  description = "What this one is for: dev, staging or prod. It is in all names and in the URL, and prod refuses what would be careless there"
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment: expected dev, staging or prod."
  }
}

variable "tags" {
  description = "Tags of everything that can have some, besides Project, Environment and ManagedBy"
  type        = map(string)
  default     = {}
}

################################################################################
# Who may use it
################################################################################

variable "allowed_origins" {
  description = "Pages that may connect and read the health check, by origin: scheme and host. [\"*\"]: any, which prod refuses"
  type        = list(string)
  default     = ["*"]

  validation {
    condition     = !(var.environment == "prod" && contains(var.allowed_origins, "*"))
    error_message = "allowed_origins: in prod, name the pages that may connect, such as [\"https://clinic.example\"]. With \"*\" every page that somebody opens could."
  }

  validation {
    condition     = !(var.environment == "prod" && anytrue([for origin in var.allowed_origins : startswith(origin, "http://")]))
    error_message = "allowed_origins: in prod, only https:// pages; browsers give no camera to others."
  }
}

variable "jwt_public_key" {
  description = "Public key in PEM that visit tokens are checked with: RSA, P-256 or Ed25519, such as file(\"visits.pem\"). Without one, jwks or jwt_secret_arn everybody is let in (open mode)"
  type        = string
  default     = null

  validation {
    condition     = !(var.environment == "prod" && strcontains(replace(coalesce(var.jwt_public_key, "-"), "/\\s/", ""), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
    error_message = "jwt_public_key: expected a key of your own. The private half of this one is published in RFC 8037, for everybody to make tokens with."
  }
}

variable "jwks" {
  description = "Public keys that visit tokens are checked with, as a JWK Set: for keys that take turns. Instead of jwt_public_key"
  type        = string
  default     = null

  validation {
    condition     = !(var.environment == "prod" && try(anytrue([for key in jsondecode(var.jwks).keys : startswith(try(key.x, ""), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]), false))
    error_message = "jwks: expected keys of your own. The private half of one of these is published in RFC 8037, for everybody to make tokens with."
  }
}

variable "jwt_secret_arn" {
  description = "ARN of a Secrets Manager secret of this region that holds, as plain text, what visit tokens are signed with (HS256, 32 bytes or more): for backends that sign with a secret. Instead of a public key, which is the better choice"
  type        = string
  default     = null
}

variable "jwt_audience" {
  description = "What visit tokens have to name as aud; null: they name none"
  type        = string
  default     = null
}

variable "open_mode" {
  description = "Says that you know: without jwt_public_key, jwks or jwt_secret_arn, whoever has the URL can join any room. prod asks for it"
  type        = bool
  default     = false

  validation {
    condition     = var.environment != "prod" || var.open_mode || local.tokens
    error_message = "open_mode: in prod, set jwt_public_key, jwks or jwt_secret_arn, so that only who has a visit token gets in. Without one, whoever has the URL can join any room, and origins stop browsers only. Say open_mode = true if that is what you want."
  }

  validation {
    condition     = !(var.open_mode && local.tokens)
    error_message = "open_mode: with a key nobody gets in without a token. Take the key out, or set this to false."
  }
}

################################################################################
# Functions
################################################################################

variable "lambda_architecture" {
  description = "What the packages were built for: arm64 or x86_64"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.lambda_architecture)
    error_message = "lambda_architecture: expected arm64 or x86_64."
  }
}

variable "signaling_zip" {
  description = "Package of the function signaling; null: where terraform/build puts it"
  type        = string
  default     = null
}

variable "signaling_memory_size" {
  description = "Memory of the function signaling in MB"
  type        = number
  default     = 256
}

variable "signaling_timeout" {
  description = "Seconds for one message, 29 at most"
  type        = number
  default     = 15
}

variable "signaling_reserved_concurrency" {
  description = "Executions at a time that are kept for signaling, and its most; null: what the account has left. A new account has none to reserve"
  type        = number
  default     = null
}

variable "signaling_provisioned_concurrency" {
  description = "Environments of signaling that are kept warm, for some $2.20 a month each with 256 MB on arm64; 0: none"
  type        = number
  default     = 0
}

variable "max_message_bytes" {
  description = "The longest message that is taken"
  type        = number
  default     = 32768
}

variable "max_peers_per_room" {
  description = "Seats in a room"
  type        = number
  default     = 16
}

variable "environment_variables" {
  description = "Further variables for signaling's environment. They can be read in the state and the console: no secrets"
  type        = map(string)
  default     = {}
}

variable "enable_xray_tracing" {
  description = "Whether X-Ray traces the functions. API Gateway does not trace WebSockets, so that there is little to see"
  type        = bool
  default     = false
}

################################################################################
# Health check
################################################################################

variable "enable_health" {
  description = "Whether there is a health check at a public URL"
  type        = bool
  default     = true
}

variable "health_zip" {
  description = "Package of the function health; null: where terraform/build puts it"
  type        = string
  default     = null
}

variable "health_memory_size" {
  description = "Memory of the function health in MB"
  type        = number
  default     = 256
}

variable "health_timeout" {
  description = "Seconds for one answer. The check gives up a visit after four, and says so"
  type        = number
  default     = 10
}

variable "health_reserved_concurrency" {
  description = "Health checks at a time, at most; null: what the account has left. 2 to 5 are a lid on the bill. A new account has none to reserve"
  type        = number
  default     = null
}

variable "service_name" {
  description = "What the service calls itself in the health check's answers"
  type        = string
  default     = "visio-conference"
}

################################################################################
# API
################################################################################

variable "stage_name" {
  description = "Name of the stage, the last part of the URL; null: the environment"
  type        = string
  default     = null
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

variable "domain" {
  description = "A domain name of one's own, with an ACM certificate of the same region, and a Route 53 zone if the record is to be made as well; null: none"
  type = object({
    name            = string
    certificate_arn = string
    hosted_zone_id  = optional(string)
  })
  default = null
}

################################################################################
# Table and keys
################################################################################

variable "table_max_request_units" {
  description = "A fuse: units a second that the table takes; null: no limit but the account's. A visit takes some ten writes, and no reads worth speaking of. To take it out again: -1 for both, since AWS keeps what nobody names"
  type = object({
    read  = number
    write = number
  })
  default = null
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

variable "kms_key_arn" {
  description = "KMS key of yours for the table, the logs and the health check's secret; null: AWS's own. Its policy has to let CloudWatch Logs use it: see modules/kms-key"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "create_kms_key" {
  description = "Whether a KMS key is made for the table, the logs and the health check's secret, for a dollar a month"
  type        = bool
  default     = false

  validation {
    condition     = !(var.create_kms_key && var.kms_key_arn != null)
    error_message = "create_kms_key: there is a kms_key_arn already. Take one of the two."
  }
}

variable "kms_key_deletion_window" {
  description = "Days after its destruction in which the key that create_kms_key makes can still be saved"
  type        = number
  default     = 30
}

################################################################################
# Logs, alarms, dashboard
################################################################################

variable "log_retention_days" {
  description = "Days for which logs are kept"
  type        = number
  default     = 14
}

variable "enable_access_logs" {
  description = "Whether every message leaves a line in CloudWatch: when, which route, how it went; nothing of its content or its sender's address. The account needs a role for it, once: see manage_account_logging_role"
  type        = bool
  default     = false
}

variable "logging_level" {
  description = "What API Gateway logs of its own doings, to a log group that it makes itself, which log_retention_days and destroy do not reach: OFF, ERROR or INFO. The account needs a role for it, once: see manage_account_logging_role"
  type        = string
  default     = "OFF"
}

variable "manage_account_logging_role" {
  description = "Whether the role is made here by which API Gateway writes logs. There is one for an account and a region, shared by all APIs there: false if something else manages it"
  type        = bool
  default     = false
}

variable "enable_detailed_metrics" {
  description = "Whether there are metrics of each route. They are charged for"
  type        = bool
  default     = false
}

variable "create_alarms" {
  description = "Whether there are alarms. Each metric in one costs ten cents a month"
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "ARNs that are told when an alarm goes off, and when it is over; SNS topics usually"
  type        = list(string)
  default     = []
}

variable "alarm_thresholds" {
  description = "What is too much for signaling. Of the API: errors in 5 minutes, milliseconds for one message in a hundred, messages in a day. Of the function: errors and throttles in 2 minutes, the part of its timeout that one invocation in a hundred takes, executions at a time (null: no alarm), messages that were not handled in 5 minutes. Of the table: errors and throttled requests in 5 minutes"
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
}

variable "health_alarm_thresholds" {
  description = "What is too much for the health check: errors and throttles in 2 minutes, the part of its timeout that one check in a hundred takes, minutes of 5 in which a check failed"
  type = object({
    errors            = optional(number, 2)
    throttles         = optional(number, 5)
    duration_percent  = optional(number, 80)
    unhealthy_minutes = optional(number, 2)
  })
  default = {}
}

variable "create_dashboard" {
  description = "Whether there is a dashboard. Three an account are free"
  type        = bool
  default     = true
}
