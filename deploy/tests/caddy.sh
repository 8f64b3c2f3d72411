# shellcheck shell=bash disable=SC2154
# A visit is joined through Caddy, with the certificate that Caddy made.

gate "a visit through Caddy, with TLS"
http=$(free_port) https=$(free_port) upstream=$(free_port)
caddy_log=$work/run/caddy.log
visio_log=$work/run/behind-caddy.log
home=$work/run/caddy
mkdir -p "$home"
caddy_as_compose() {
  env HOME="$home" XDG_DATA_HOME="$home" XDG_CONFIG_HOME="$home" VISIO_DOMAIN="localhost:$https" TURN_DOMAIN="turn.localhost:$https" \
    VISIO_UPSTREAM="127.0.0.1:$upstream" HTTP_PORT="$http" HTTPS_PORT="$https" CADDY_ADMIN=off caddy "$@"
}
caddy_as_compose validate --adapter caddyfile --config deploy/caddy/Caddyfile >"$caddy_log" 2>&1 || { cat "$caddy_log"; fail "the Caddyfile is invalid"; }
caddy fmt deploy/caddy/Caddyfile | diff deploy/caddy/Caddyfile - || fail "the Caddyfile is not formatted: caddy fmt --overwrite"
start "$caddy_log" caddy_as_compose run --adapter caddyfile --config deploy/caddy/Caddyfile
VISIO_JWT_SECRET=$secret start "$visio_log" "$visio" --listen "127.0.0.1:$upstream" --trusted-proxy 127.0.0.1 --max-connections-per-ip 2
ca=$home/caddy/pki/authorities/local/root.crt
page=https://localhost:$https
until_ok test -s "$ca" || { cat "$caddy_log"; fail "Caddy has no certificate authority"; }
until_ok curl -fsS --cacert "$ca" "$page/readyz" || { cat "$caddy_log" "$visio_log"; fail "Caddy does not reach the server"; }
VISIO_JWT_SECRET=$secret "$visio" doctor --ca "$ca" --origin "$page" "$page" || fail "no visit through Caddy"
VISIO_JWT_SECRET=$secret "$visio" doctor --ca "$ca" --json "$page" | grep -q '"through":"Caddy"' || fail "the doctor does not see Caddy"

gate "Caddy hides /metrics, and tells the server who the client is"
status=$(curl -sS --cacert "$ca" -o /dev/null -w '%{http_code}' "$page/metrics")
[ "$status" = 404 ] || fail "/metrics is public: $status"
# Three clients of one address are one too many, whatever they claim to be.
python3 deploy/tests/crowd.py "$https" "$ca" || fail "a client can hide behind X-Forwarded-For"

gate "Caddy has a certificate for coturn, where deploy/coturn/run looks for it"
until_ok sh -c "find '$home' -name turn.localhost.crt | grep -q ." || fail "there is no certificate for the TURN server"
turn_port=$(free_port) turns_port=$(free_port)
TURN_DOMAIN=turn.localhost TURN_SECRET=$secret TURN_CERTIFICATES=$home TURN_LOOK_SECONDS=1 start "$work/run/coturn-caddy.log" \
  deploy/coturn/run --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port="$turn_port" \
  --tls-listening-port="$turns_port" --userdb="$work/run/turn.db" --pidfile="$work/run/turn.pid"
trusted() { openssl s_client -connect "127.0.0.1:$turns_port" -servername turn.localhost -verify_hostname turn.localhost -verify_return_error -CAfile "$ca" </dev/null; }
until_ok trusted || { cat "$work/run/coturn-caddy.log"; trusted || true; fail "coturn's certificate is not trusted"; }
for pid in "${started[@]: -3}"; do stop "$pid"; done
