# What counts where nobody sets anything. An attribute that is null counts as not set. With
# `optional(number, 5)` in the variable's type it would not: Terraform leaves a null as it is there.

locals {
  function = {
    memory_size          = coalesce(var.function.memory_size, 256)
    timeout              = coalesce(var.function.timeout, 10)
    reserved_concurrency = coalesce(var.function.reserved_concurrency, -1) # Lambda's word for none
    service_name         = coalesce(var.function.service_name, "visio-conference")
  }

  log_retention_days = coalesce(var.logs.retention_days, 14)
  xray_tracing       = coalesce(var.monitoring.xray_tracing, false)

  alarms_enabled = coalesce(var.alarms.enabled, true)
  alarm_actions  = coalesce(var.alarms.actions, [])

  thresholds = {
    errors            = coalesce(try(var.alarms.thresholds.errors, null), 2)
    throttles         = coalesce(try(var.alarms.thresholds.throttles, null), 5)
    duration_percent  = coalesce(try(var.alarms.thresholds.duration_percent, null), 80)
    unhealthy_minutes = coalesce(try(var.alarms.thresholds.unhealthy_minutes, null), 2)
  }
}
