# What counts where nobody sets anything. An attribute that is null counts as not set. With
# `optional(number, 5)` in the variable's type it would not: Terraform leaves a null as it is there.

locals {
  throttling = {
    rate_limit          = coalesce(var.throttling.rate_limit, 1000)
    burst_limit         = coalesce(var.throttling.burst_limit, 1000)
    connect_rate_limit  = coalesce(var.throttling.connect_rate_limit, 50)
    connect_burst_limit = coalesce(var.throttling.connect_burst_limit, 100)
  }

  logs = {
    retention_days = coalesce(var.logs.retention_days, 14)
    access_logs    = coalesce(var.logs.access_logs, false)
    logging_level  = coalesce(var.logs.logging_level, "OFF")
  }

  detailed_metrics = coalesce(var.monitoring.detailed_metrics, false)

  alarms_enabled = coalesce(var.alarms.enabled, true)
  alarm_actions  = coalesce(var.alarms.actions, [])

  thresholds = {
    integration_errors = coalesce(try(var.alarms.thresholds.integration_errors, null), 5)
    execution_errors   = coalesce(try(var.alarms.thresholds.execution_errors, null), 5)
    client_errors      = coalesce(try(var.alarms.thresholds.client_errors, null), 100)
    latency_ms         = coalesce(try(var.alarms.thresholds.latency_ms, null), 3000)
    messages_per_day   = coalesce(try(var.alarms.thresholds.messages_per_day, null), 1000000)
  }
}
