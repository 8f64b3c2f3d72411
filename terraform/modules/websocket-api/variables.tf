variable "name" {
  description = "Name of the API, and prefix of the names of everything that belongs to it. A letter, then 1 to 59 letters, digits and hyphens"
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{1,59}$", var.name))
    error_message = "name: expected a letter, then 1 to 59 letters, digits and hyphens, such as clinic-prod."
  }
}

variable "description" {
  description = "What the API is for, as the console shows it"
  type        = string
  default     = "WebRTC signaling over WebSocket"
}

variable "functions" {
  description = "Lambda functions and the routes that each of them serves, keyed by a name of your choice. $connect, $disconnect and $default each need a function. Set `qualifier` if `invoke_arn` is that of an alias or a version"
  type = map(object({
    function_name = string
    invoke_arn    = string
    qualifier     = optional(string)
    routes        = list(string)
  }))

  validation {
    condition     = length(flatten(values(var.functions)[*].routes)) == length(distinct(flatten(values(var.functions)[*].routes)))
    error_message = "functions: expected each route once: a route can lead to only one function."
  }

  validation {
    condition     = length(setsubtract(["$connect", "$disconnect", "$default"], flatten(values(var.functions)[*].routes))) == 0
    error_message = "functions: the routes $connect, $disconnect and $default each need a function."
  }

  validation {
    condition = alltrue([
      for route in flatten(values(var.functions)[*].routes) :
      contains(["$connect", "$disconnect", "$default"], route) || can(regex("^[A-Za-z0-9_./-]{1,128}$", route))
    ])
    error_message = "functions: besides $connect, $disconnect and $default, expected routes of only letters, digits and any of _ . / -"
  }
}

variable "route_selection_expression" {
  description = "Expression that makes the route key of a message. The default is the type, followed by the requestId if there is one, so that the route key of a `ping` with a requestId is not just `ping`"
  type        = string
  default     = "$${request.body.type}$${request.body.requestId}"

  validation {
    condition     = can(regex("^\\$\\{?request\\.body\\.", var.route_selection_expression))
    error_message = "route_selection_expression: expected it to begin with a field of the message, such as $request.body.type."
  }
}

variable "answer_pings" {
  description = "Whether the API itself answers the message `ping`, without a function"
  type        = bool
  default     = true

  validation {
    condition     = !(var.answer_pings && contains(flatten(values(var.functions)[*].routes), "ping"))
    error_message = "answer_pings: a function serves the route ping. Set this to false, or remove the route from the function."
  }
}

variable "require_api_key" {
  description = "Whether to refuse a connection unless its header x-api-key holds a key of a usage plan of this stage. It is made for a CloudFront distribution in front, which adds the header (examples/cloudfront); browsers cannot send it"
  type        = bool
  default     = false
}

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
    rate_limit          = optional(number, 1000)
    burst_limit         = optional(number, 1000)
    connect_rate_limit  = optional(number, 50)
    connect_burst_limit = optional(number, 100)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.throttling.rate_limit >= 1 && var.throttling.rate_limit <= 10000
    error_message = "throttling.rate_limit: expected 1 to 10000, the account's limit for all its APIs together unless AWS raised it."
  }

  validation {
    condition     = var.throttling.burst_limit >= 1 && var.throttling.burst_limit <= 5000 && floor(var.throttling.burst_limit) == var.throttling.burst_limit
    error_message = "throttling.burst_limit: expected a whole number from 1 to 5000, the account's limit for all its APIs together."
  }

  validation {
    condition     = var.throttling.connect_rate_limit >= 1 && var.throttling.connect_rate_limit <= 500
    error_message = "throttling.connect_rate_limit: expected 1 to 500, the account's limit in a region unless AWS raised it."
  }

  validation {
    condition     = var.throttling.connect_burst_limit >= 1 && var.throttling.connect_burst_limit <= 5000 && floor(var.throttling.connect_burst_limit) == var.throttling.connect_burst_limit
    error_message = "throttling.connect_burst_limit: expected a whole number from 1 to 5000."
  }
}

variable "logs" {
  description = <<-EOT
    What API Gateway logs. Both logs need a role in the account: see modules/account-logging.
    - retention_days: days to keep the access log, one of the values that CloudWatch offers. Default 14
    - access_logs: whether to log a line for each message, with its time, route and outcome, but not its content or its sender's address. Default false
    - logging_level: what API Gateway logs about its own work: OFF, ERROR or INFO. API Gateway makes the log group for it, which retention_days and destroy do not affect. Default OFF
  EOT
  type = object({
    retention_days = optional(number, 14)
    access_logs    = optional(bool, false)
    logging_level  = optional(string, "OFF")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "logs.retention_days: CloudWatch offers 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653 days."
  }

  validation {
    condition     = contains(["OFF", "ERROR", "INFO"], var.logs.logging_level)
    error_message = "logs.logging_level: expected OFF, ERROR or INFO."
  }
}

variable "monitoring" {
  description = <<-EOT
    Further metrics.
    - detailed_metrics: whether to collect metrics for each route, which AWS charges for. Default false
  EOT
  type = object({
    detailed_metrics = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "kms_key_arn" {
  description = "ARN of a KMS key for the access log; null: AWS's own key. The key's policy must let CloudWatch Logs use it: see modules/kms-key"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
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

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "domain.name: expected a name such as visio.clinic.example, in lower case and without wss://."
  }

  validation {
    condition     = var.domain == null || can(regex("^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.domain.certificate_arn))
    error_message = "domain.certificate_arn: expected the ARN of an ACM certificate, arn:aws:acm:REGION:ACCOUNT:certificate/ID."
  }
}

variable "alarms" {
  description = <<-EOT
    Alarms on the API. Each of the five costs ten cents a month.
    - enabled: whether to create alarms. Default true
    - actions: ARNs to notify when an alarm fires and when it clears, usually of SNS topics. Default none
    - thresholds.integration_errors: errors of functions in 5 minutes. Default 5
    - thresholds.execution_errors: failures of API Gateway to call a function, in 5 minutes. Default 5
    - thresholds.client_errors: requests refused before a function sees them, in 5 minutes. Default 100
    - thresholds.latency_ms: milliseconds that one message in a hundred takes. Default 3000
    - thresholds.messages_per_day: messages in a day. Default 1000000
  EOT
  type = object({
    enabled = optional(bool, true)
    actions = optional(list(string), [])
    thresholds = optional(object({
      integration_errors = optional(number, 5)
      execution_errors   = optional(number, 5)
      client_errors      = optional(number, 100)
      latency_ms         = optional(number, 3000)
      messages_per_day   = optional(number, 1000000)
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
}

variable "tags" {
  description = "Tags for everything that can have tags"
  type        = map(string)
  default     = {}
}
