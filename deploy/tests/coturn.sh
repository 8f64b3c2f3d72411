# shellcheck shell=bash disable=SC2154
# coturn with this configuration relays for who has credentials, and into no private network.

gate "coturn starts with deploy/coturn, and only with a certificate"
turn_port=$(free_port) turns_port=$(free_port)
certificates=$work/run/certificates
mkdir -p "$certificates"
turn_log=$work/run/coturn.log
made() { # NAME: a new certificate for turn.localhost, in the way that Caddy keeps them
  mkdir -p "$certificates/$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=turn.localhost \
    -addext subjectAltName=DNS:turn.localhost,DNS:localhost -addext basicConstraints=critical,CA:FALSE \
    -keyout "$certificates/$1/turn.localhost.key.new" -out "$certificates/$1/turn.localhost.crt.new" 2>/dev/null
  mv "$certificates/$1/turn.localhost.key.new" "$certificates/$1/turn.localhost.key"
  mv "$certificates/$1/turn.localhost.crt.new" "$certificates/$1/turn.localhost.crt"
}
run_coturn() {
  TURN_DOMAIN=turn.localhost TURN_SECRET=$secret TURN_CERTIFICATES=$certificates TURN_LOOK_SECONDS=1 start "$turn_log" \
    deploy/coturn/run --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port="$turn_port" \
    --tls-listening-port="$turns_port" --userdb="$work/run/turn.db" --pidfile="$work/run/turn.pid"
  turn=$!
}
run_coturn
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

gate "it relays for who has the secret, to no private address, over UDP and TCP"
relayed() { # SECRET PEER OPTION...
  local secret=$1 peer=$2
  shift 2
  timeout 5 turnutils_uclient "$@" -c -v -W "$secret" -e "$peer" -n 1 -m 1 127.0.0.1 2>&1 || true
}
for way in "-p $turn_port" "-t -p $turn_port"; do
  # shellcheck disable=SC2086
  answer=$(relayed "$secret" 10.0.0.1 $way)
  grep -q 'Received relay addr' <<<"$answer" || { echo "$answer"; fail "no relay with $way"; }
  echo "turnutils_uclient $way: a relay"
done
for peer in 10.0.0.1 127.0.0.1 169.254.169.254 192.168.1.1 172.16.0.1 100.64.0.1; do
  grep -q 'error 403' <<<"$(relayed "$secret" "$peer" -p "$turn_port")" || fail "it relays to $peer"
done
# A range of IPv6 that begins with :: would refuse every address of IPv4.
for peer in 1.1.1.1 8.8.8.8 223.255.255.254; do
  if grep -q 'error 403' <<<"$(relayed "$secret" "$peer" -p "$turn_port")"; then fail "it does not relay to $peer"; fi
done
answer=$(relayed wrong 1.1.1.1 -p "$turn_port")
if grep -q 'Received relay addr' <<<"$answer"; then fail "it relays for a wrong secret"; fi
grep -q 'Cannot complete Allocation' <<<"$answer" || { echo "$answer"; fail "a wrong secret is not refused as such"; }

gate "the doctor gets a relay over UDP, TCP and TLS, with the credentials of the server"
ca=$certificates/first/turn.localhost.crt
ways=turn:localhost:$turn_port,turn:localhost:$turn_port?transport=tcp,turns:localhost:$turns_port?transport=tcp
serving() { # SECRET
  rm -f "$work/run/with-turn.log"
  VISIO_TURN_SECRET=$1 VISIO_TURN_URL=$ways start "$work/run/with-turn.log" "$visio" --listen 127.0.0.1:0
  until_ok grep -q ready "$work/run/with-turn.log" || { cat "$work/run/with-turn.log"; fail "the server does not start"; }
  url=$(grep -o 'http://[0-9.:]*' "$work/run/with-turn.log" | head -n 1)
}
serving "$secret"
"$visio" doctor --ca "$ca" "$url" | tee "$work/run/doctor.txt" || fail "the doctor finds no relay"
grep -q "These servers work: ${ways//,/, }." "$work/run/doctor.txt" || fail "a way to the relay does not work"
serving "not $secret"
status=0
"$visio" doctor --ca "$ca" "$url" >"$work/run/doctor.txt" || status=$?
grep -q 'refused the credentials (401)' "$work/run/doctor.txt" && [ "$status" = 17 ] || { cat "$work/run/doctor.txt"; fail "the doctor does not notice a wrong secret"; }

gate "health notices within 15 s that coturn has gone, and within 15 s that it is back"
within() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}
says() { curl -sS "$url/health" | grep -qF "\"turn_servers\":\"$1\""; }
SSL_CERT_FILE=$ca serving "$secret"
within 5 says operational || { curl -sS "$url/health"; fail "health does not see that coturn works"; }
stop "$turn"
within 15 says down || { curl -sS "$url/health"; fail "health does not notice that coturn has gone"; }
run_coturn
within 15 says operational || { curl -sS "$url/health"; fail "health does not notice that coturn is back"; }

gate "its secret is on no command line"
# shellcheck disable=SC2009
if ps -eo args | grep -v grep | grep -qF "$secret"; then fail "the secret is on a command line"; fi
stop "$turn"
until_ok bash -c "! (exec 3<>/dev/tcp/127.0.0.1/$turns_port) 2>/dev/null" || fail "coturn does not end"
