# The settings of STUN and TURN, which both functions read in the same way.

locals {
  # A function fetches secrets by their ARNs when it starts.
  environment = merge(
    {
      VISIO_TURN_TTL_SECONDS = tostring(var.ice.turn_ttl_seconds)
      VISIO_RELAY_ONLY       = tostring(var.ice.relay_only)
    },
    length(var.ice.stun_urls) == 0 ? {} : { VISIO_STUN_URL = join(",", var.ice.stun_urls) },
    length(var.ice.turn_urls) == 0 ? {} : { VISIO_TURN_URL = join(",", var.ice.turn_urls) },
    { for name, value in {
      VISIO_TURN_SECRET_ARN     = var.ice.turn_secret_arn
      VISIO_TURN_USERNAME       = var.ice.turn_username
      VISIO_TURN_CREDENTIAL_ARN = var.ice.turn_credential_arn
    } : name => value if value != null },
  )
}
