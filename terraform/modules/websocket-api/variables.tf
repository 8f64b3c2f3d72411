variable "name" {
  description = "Name of the API, and the beginning of the names of what belongs to it"
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
  description = "What serves which routes: Lambda functions, by any name of yours. `qualifier` names an alias or a version, if `invoke_arn` is one's"
  type = map(object({
    function_name = string
    invoke_arn    = string
    qualifier     = optional(string)
    routes        = list(string)
  }))

  validation {
    condition     = length(flatten(values(var.functions)[*].routes)) == length(distinct(flatten(values(var.functions)[*].routes)))
    error_message = "functions: a route can lead to one function only, and some route is named twice."
  }

  validation {
    condition     = length(setsubtract(["$connect", "$disconnect", "$default"], flatten(values(var.functions)[*].routes))) == 0
    error_message = "functions: the routes $connect, $disconnect and $default must all lead somewhere."
  }

  validation {
    condition = alltrue([
      for route in flatten(values(var.functions)[*].routes) :
      contains(["$connect", "$disconnect", "$default"], route) || can(regex("^[A-Za-z0-9_./-]{1,128}$", route))
    ])
    error_message = "functions: besides $connect, $disconnect and $default, routes are letters, digits and any of _ . / - only."
  }
}

variable "route_selection_expression" {
  description = "What makes a route key of a message. Read as it is by default: the type, followed by the requestId if there is one, so that a `ping` that wants an answer of its own is not called just `ping`"
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
    error_message = "answer_pings: a function serves the route ping. Set this to false, or take the route from the function."
  }
}

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

  validation {
    condition     = var.throttling_rate_limit >= 1 && var.throttling_rate_limit <= 10000
    error_message = "throttling_rate_limit: expected 1 to 10000, which is what an account has for all of its APIs together unless AWS raised it."
  }
}

variable "throttling_burst_limit" {
  description = "Messages that are let through at once"
  type        = number
  default     = 1000

  validation {
    condition     = var.throttling_burst_limit >= 1 && var.throttling_burst_limit <= 5000 && floor(var.throttling_burst_limit) == var.throttling_burst_limit
    error_message = "throttling_burst_limit: expected a whole number from 1 to 5000, which is what an account has for all of its APIs together."
  }
}

variable "connect_rate_limit" {
  description = "Connections a second that are let through"
  type        = number
  default     = 50

  validation {
    condition     = var.connect_rate_limit >= 1 && var.connect_rate_limit <= 500
    error_message = "connect_rate_limit: expected 1 to 500, which is what an account may open a second in a region unless AWS raised it."
  }
}

variable "connect_burst_limit" {
  description = "Connections that are let through at once"
  type        = number
  default     = 100

  validation {
    condition     = var.connect_burst_limit >= 1 && var.connect_burst_limit <= 5000 && floor(var.connect_burst_limit) == var.connect_burst_limit
    error_message = "connect_burst_limit: expected a whole number from 1 to 5000."
  }
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

  validation {
    condition     = contains(["OFF", "ERROR", "INFO"], var.logging_level)
    error_message = "logging_level: expected OFF, ERROR or INFO."
  }
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
  description = "KMS key for the access log; null: AWS's own. Its policy has to let CloudWatch Logs use it: see modules/kms-key"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: expected the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID."
  }
}

variable "domain" {
  description = "A domain name of one's own, with an ACM certificate of the same region, and a Route 53 zone if the record is to be made as well; null: none. It cannot be shared with HTTP or REST APIs"
  type = object({
    name            = string
    certificate_arn = string
    hosted_zone_id  = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain.name))
    error_message = "domain: expected a name such as visio.clinic.example, in lower case and without wss://."
  }

  validation {
    condition     = var.domain == null || can(regex("^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.domain.certificate_arn))
    error_message = "domain: certificate_arn must be the ARN of an ACM certificate, arn:aws:acm:REGION:ACCOUNT:certificate/ID."
  }
}

variable "create_alarms" {
  description = "Whether there are alarms. Each costs ten cents a month"
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
  description = "What is too much: errors in 5 minutes, milliseconds for one message in a hundred, messages in a day"
  type = object({
    integration_errors = optional(number, 5)
    execution_errors   = optional(number, 5)
    client_errors      = optional(number, 100)
    latency_ms         = optional(number, 3000)
    messages_per_day   = optional(number, 1000000)
  })
  default = {}

  validation {
    condition     = alltrue([for threshold in values(var.alarm_thresholds) : threshold >= 0])
    error_message = "alarm_thresholds: none can be less than 0."
  }
}

variable "tags" {
  description = "Tags of everything that can have some"
  type        = map(string)
  default     = {}
}
