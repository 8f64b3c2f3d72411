# shellcheck shell=bash disable=SC2154
# systemd reads the unit, and every system call that the server makes is allowed by it.

gate "the systemd unit"
unit=$work/run/visio.service
sed "s|/usr/local/bin/visio|$visio|" deploy/systemd/visio.service >"$unit"
systemd-analyze verify "$unit" || fail "systemd does not take the unit"
systemd-analyze security --offline=true --threshold=20 "$unit" >"$work/run/security.txt" || { cat "$work/run/security.txt"; fail "the unit allows too much"; }
tail -n 1 "$work/run/security.txt"
for setting in $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' deploy/systemd/visio.env.example); do
  "$visio" --help | grep -q "\[env: $setting=\?" || fail "the server does not know $setting"
done

gate "the unit allows every system call that the server makes"
calls=$work/run/calls
log=$work/run/traced.log
VISIO_JWT_SECRET=$secret start "$log" strace -f -qq -o "$calls" "$visio" --listen 127.0.0.1:0 --audit "$work/run/audit"
until_ok grep -q ready "$log" || { cat "$log"; missing "strace cannot trace a process here"; }
url=$(grep -o 'http://[0-9.:]*' "$log" | head -n 1)
curl -fsS "$url/health" >/dev/null
VISIO_JWT_SECRET=$secret "$visio" doctor "$url" >/dev/null
pkill -TERM -P "${started[-1]}"
until_ok grep -q '"bye"' "$log" || fail "the traced server does not end"
python3 deploy/tests/syscalls.py "$calls" "$unit"
