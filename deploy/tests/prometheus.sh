# shellcheck shell=bash disable=SC2154
# Prometheus takes the configuration, the alerts fire when they should, and every name that alerts and
# dashboard use is one that a real server has.

gate "alerts"
copy=$work/run/prometheus
mkdir -p "$copy"
cp deploy/prometheus/*.yml deploy/tests/alerts_test.yml "$copy"
echo '[]' >"$copy/public.yml"
(cd "$copy" && promtool check config prometheus.yml && promtool test rules alerts_test.yml) || fail "the alerts are wrong"

gate "what a real server counts is what alerts and dashboard ask for"
# An audience of its own, so that each kind of refusal can be had.
log=$work/run/counting.log
VISIO_JWT_SECRET=$secret start "$log" "$visio" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --allowed-origin https://clinic.example
server=${started[-1]}
until_ok grep -q ready "$log" || { cat "$log"; fail "the server does not start"; }
url=$(grep -o 'http://[0-9.:]*/demo' "$log" | head -n 1)
url=${url%/demo}
metrics=$(grep -o 'http://[0-9.:]*/metrics' "$log" | head -n 1)
curl -fsS "$url/health" >/dev/null
VISIO_JWT_SECRET=$secret "$visio" doctor "$url" >/dev/null || fail "no visit is possible"
if "$visio" doctor --token no.such.token "$url" >/dev/null; then fail "any token is good"; fi
if "$visio" doctor --origin https://evil.example "$url" >/dev/null; then fail "any origin is good"; fi
counted() { curl -fsS "$metrics" >"$work/run/metrics.txt" && grep -q '^visio_connections 0$' "$work/run/metrics.txt"; }
until_ok counted || fail "the server still has connections, or no metrics"
promtool check metrics <"$work/run/metrics.txt" || fail "the metrics do not follow Prometheus's conventions"
python3 -c 'import yaml' 2>/dev/null || as_root apt-get install -yq --no-install-recommends python3-yaml
python3 deploy/tests/metrics.py "$work/run/metrics.txt" "$copy"
promtool check rules "$copy/dashboard.yml" >/dev/null || fail "an expression of the dashboard is invalid"

gate "Prometheus collects them, and asks /health from outside, with this configuration"
printf -- '- targets: ["%s"]\n' "$(sed 's|http://\(.*\)/metrics|\1|' <<<"$metrics")" >"$copy/targets.yml"
public=$(free_port) http=$(free_port) probing=$(free_port) port=$(free_port)
home=$work/run/public
mkdir -p "$home"
start "$work/run/public.log" env HOME="$home" XDG_DATA_HOME="$home" XDG_CONFIG_HOME="$home" VISIO_DOMAIN="localhost:$public" \
  TURN_DOMAIN="127.0.0.1:$public" VISIO_UPSTREAM="${url#http://}" HTTP_PORT="$http" HTTPS_PORT="$public" CADDY_ADMIN=off \
  caddy run --adapter caddyfile --config deploy/caddy/Caddyfile
ca=$home/caddy/pki/authorities/local/root.crt
until_ok curl -fsS --cacert "$ca" "https://localhost:$public/readyz" || { cat "$work/run/public.log"; fail "Caddy does not start"; }
printf -- '- targets: ["https://localhost:%s/health"]\n' "$public" >"$copy/public.yml"
sed -i "s/: 15s/: 1s/; s/blackbox:9115/127.0.0.1:$probing/" "$copy/prometheus.yml"
SSL_CERT_FILE=$ca start "$work/run/blackbox.log" prometheus-blackbox-exporter --config.file="$copy/blackbox.yml" \
  --web.listen-address="127.0.0.1:$probing"
start "$work/run/prometheus.log" prometheus --config.file="$copy/prometheus.yml" --storage.tsdb.path="$work/run/tsdb" \
  --web.listen-address="127.0.0.1:$port"
asked() { curl -fsS -G "http://127.0.0.1:$port/api/v1/$1" "${@:2}"; }
seen() { asked query --data-urlencode "query=$1" | grep -q '"value":\['; }
until_ok seen 'visio_check_up{check="signaling_server"} == 1' || { cat "$work/run/prometheus.log"; fail "Prometheus collects nothing"; }
until_ok seen 'probe_success{job="visio-health"} == 1' || { cat "$work/run/blackbox.log"; fail "/health is not asked from outside"; }
# Caddy's own certificates last for half a day.
until_ok seen 'probe_ssl_earliest_cert_expiry - time() < 86400' || fail "nobody looks at the certificate"
asked rules | python3 -c '
import json, sys
rules = json.load(sys.stdin)["data"]["groups"][0]["rules"]
assert len(rules) >= 14 and all(rule["health"] in ("ok", "unknown") for rule in rules), rules
print(len(rules), "alerts are loaded")' || fail "Prometheus does not evaluate the alerts"
stop "$server"
until_ok seen 'ALERTS{alertname="VisioUnhealthy"}' || fail "no alert when /health does not answer"
until_ok seen 'ALERTS{alertname="VisioDown"}' || fail "no alert when the server is gone"
