# What counts where nobody sets anything. An attribute that is null counts as not set. With
# `optional(number, 5)` in the variable's type it would not: Terraform leaves a null as it is there.
# The API's are in modules/websocket-api.

locals {
  function = {
    memory_size             = coalesce(var.function.memory_size, 256)
    timeout                 = coalesce(var.function.timeout, 15)
    reserved_concurrency    = coalesce(var.function.reserved_concurrency, -1) # Lambda's word for none
    provisioned_concurrency = coalesce(var.function.provisioned_concurrency, 0)
    max_message_bytes       = coalesce(var.function.max_message_bytes, 32768)
    max_peers_per_room      = coalesce(var.function.max_peers_per_room, 16)
    environment_variables   = coalesce(var.function.environment_variables, {})
  }

  tokens = {
    public_key = try(var.tokens.public_key, null)
    jwks       = try(var.tokens.jwks, null)
    secret_arn = try(var.tokens.secret_arn, null)
    audience   = try(var.tokens.audience, null)
  }

  table = {
    max_request_units      = var.table.max_request_units
    point_in_time_recovery = coalesce(var.table.point_in_time_recovery, false)
    deletion_protection    = coalesce(var.table.deletion_protection, false)
  }

  log_retention_days = coalesce(var.logs.retention_days, 14)

  xray_tracing = coalesce(var.monitoring.xray_tracing, false)
  dashboard    = coalesce(var.monitoring.dashboard, true)

  alarms_enabled = coalesce(var.alarms.enabled, true)
  alarm_actions  = coalesce(var.alarms.actions, [])

  thresholds = {
    errors           = coalesce(try(var.alarms.thresholds.errors, null), 10)
    throttles        = coalesce(try(var.alarms.thresholds.throttles, null), 5)
    duration_percent = coalesce(try(var.alarms.thresholds.duration_percent, null), 80)
    concurrency      = try(var.alarms.thresholds.concurrency, null)
    unhandled        = coalesce(try(var.alarms.thresholds.unhandled, null), 5)
    table_errors     = coalesce(try(var.alarms.thresholds.table_errors, null), 5)
    table_throttles  = coalesce(try(var.alarms.thresholds.table_throttles, null), 5)
  }
}
