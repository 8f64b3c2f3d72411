# shellcheck shell=bash disable=SC2154
# coturn with this configuration relays for who has credentials, and into no private network.

gate "coturn starts with deploy/coturn, and only with a certificate"
turn_port=$(free_port) turns_port=$(free_port)
certificates=$work/run/certificates
mkdir -p "$certificates"
turn_log=$work/run/coturn.log
made() { # NAME: a new certificate for turn.localhost, in the way that Caddy keeps them
  mkdir -p "$certificates/$1"
  openssl req -quiet -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=turn.localhost \
    -addext subjectAltName=DNS:turn.localhost,DNS:localhost -addext basicConstraints=critical,CA:FALSE \
    -keyout "$certificates/$1/turn.localhost.key.new" -out "$certificates/$1/turn.localhost.crt.new" 2>/dev/null
  mv "$certificates/$1/turn.localhost.key.new" "$certificates/$1/turn.localhost.key"
  mv "$certificates/$1/turn.localhost.crt.new" "$certificates/$1/turn.localhost.crt"
}
TURN_DOMAIN=turn.localhost TURN_SECRET=$secret TURN_CERTIFICATES=$certificates TURN_LOOK_SECONDS=1 start "$turn_log" \
  deploy/coturn/run --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port="$turn_port" \
  --tls-listening-port="$turns_port" --userdb="$work/run/turn.db" --pidfile="$work/run/turn.pid"
turn=$!
until_ok grep -q "waiting for the certificate" "$turn_log" || fail "coturn does not wait for its certificate"
made first
shown() { openssl s_client -connect "127.0.0.1:$turns_port" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint; }
own() { openssl x509 -noout -fingerprint -in "$certificates/first/turn.localhost.crt"; }
same() { [ -n "$(shown)" ] && [ "$(shown)" = "$(own)" ]; }
until_ok same || { cat "$turn_log"; fail "coturn does not speak TLS with its certificate"; }
if grep -iE 'bad configuration|unknown|error' "$turn_log"; then fail "coturn complains of its configuration"; fi

gate "it reads a new certificate without a restart"
before=$(shown)
made first
until_ok same || { cat "$turn_log"; fail "coturn still shows the old certificate"; }
[ "$before" != "$(shown)" ] || fail "the certificate is not new"

gate "it relays for who has the secret, to no private address, over UDP, TCP and TLS"
allocate() { # SECRET PEER OPTION...
  local secret=$1 peer=$2
  shift 2
  timeout 20 turnutils_uclient "$@" -W "$secret" -e "$peer" -n 1 -m 1 -X 127.0.0.1 2>&1 || true
}
for way in "-p $turn_port" "-t -p $turn_port" "-t -S -p $turns_port"; do
  # shellcheck disable=SC2086
  answer=$(allocate "$secret" 10.0.0.1 $way -v)
  grep -q 'allocate response received' <<<"$answer" || { echo "$answer"; fail "no relay with $way"; }
  grep -q '403' <<<"$answer" || { echo "$answer"; fail "it relays to 10.0.0.1 with $way"; }
  echo "turnutils_uclient $way: a relay, and 403 for 10.0.0.1"
done
for peer in 127.0.0.1 169.254.169.254 192.168.1.1 172.16.0.1 100.64.0.1; do
  grep -q '403' <<<"$(allocate "$secret" "$peer" -p "$turn_port" -v)" || fail "it relays to $peer"
done
answer=$(allocate wrong 10.0.0.1 -p "$turn_port" -v)
grep -qE '401|Unauthorized|Cannot complete Allocation' <<<"$answer" || { echo "$answer"; fail "it relays with a wrong secret"; }
if grep -q 'success' <<<"$(grep -i allocate <<<"$answer")"; then fail "it relays with a wrong secret"; fi

gate "its secret is on no command line"
# shellcheck disable=SC2009
if ps -eo args | grep -v grep | grep -qF "$secret"; then fail "the secret is on a command line"; fi
stop "$turn"
until_ok sh -c "! (exec 3<>/dev/tcp/127.0.0.1/$turns_port) 2>/dev/null" || fail "coturn does not end"
