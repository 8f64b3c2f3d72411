# shellcheck shell=bash disable=SC2154
# Prometheus takes the configuration, the alerts fire when they should, and every name that alerts and
# dashboard use is one that a real server has.

gate "alerts"
copy=$work/run/prometheus
mkdir -p "$copy"
cp deploy/prometheus/*.yml deploy/tests/alerts_test.yml "$copy"
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

gate "Prometheus collects them, with this configuration"
printf -- '- targets: ["%s"]\n' "$(sed 's|http://\(.*\)/metrics|\1|' <<<"$metrics")" >"$copy/targets.yml"
sed -i 's/: 15s/: 1s/' "$copy/prometheus.yml"
port=$(free_port)
start "$work/run/prometheus.log" prometheus --config.file="$copy/prometheus.yml" --storage.tsdb.path="$work/run/tsdb" \
  --web.listen-address="127.0.0.1:$port"
asked() { curl -fsS -G "http://127.0.0.1:$port/api/v1/$1" "${@:2}"; }
seen() { asked query --data-urlencode "query=$1" | grep -q '"value":\['; }
until_ok seen 'visio_check_up{check="signaling_server"} == 1' || { cat "$work/run/prometheus.log"; fail "Prometheus collects nothing"; }
asked rules | python3 -c '
import json, sys
rules = json.load(sys.stdin)["data"]["groups"][0]["rules"]
assert len(rules) >= 12 and all(rule["health"] in ("ok", "unknown") for rule in rules), rules
print(len(rules), "alerts are loaded")' || fail "Prometheus does not evaluate the alerts"
stop "$server"
until_ok seen 'ALERTS{alertname="VisioDown"}' || fail "no alert when the server is gone"
