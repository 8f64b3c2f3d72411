# shellcheck shell=bash disable=SC2154
# The image is built, is small, and serves visits as nobody with a root that cannot be written to.

gate "the image is built from nothing but a static binary"
storage=(--storage-driver vfs --root "$work/image/root" --runroot "$work/run/image")
as_root rm -rf "$work/image"
mkdir -p "$work/image"
as_root buildah "${storage[@]}" version >/dev/null || missing "buildah does not run here"
sudo=() && [ "$(id -u)" = 0 ] || sudo=(sudo)
TOOL="${sudo[*]} buildah ${storage[*]}" deploy/image/build visio:check
binary=${CARGO_TARGET_DIR:-target}/image/visio
size=$(stat -c %s "$binary")
[ "$size" -lt 12000000 ] || fail "the binary has $size bytes: expected a few MB"

container=$(as_root buildah "${storage[@]}" from visio:check)
root=$(as_root buildah "${storage[@]}" mount "$container")
[ "$(as_root find "$root" -mindepth 1 | wc -l)" = 1 ] || fail "there is more in the image than the binary"

gate "its configuration: a user, no shell, a health check"
as_root buildah "${storage[@]}" inspect --type image visio:check >"$work/run/image.json"
python3 - "$work/run/image.json" <<'PYTHON'
import json, sys

image = json.load(open(sys.argv[1]))["Docker"]["config"]
expected = {"User": "65532:65532", "Entrypoint": ["/visio"], "StopSignal": "SIGTERM"}
for field, value in expected.items():
    assert image[field] == value, (field, image[field])
assert image["Healthcheck"]["Test"][:3] == ["CMD", "/visio", "doctor"], image["Healthcheck"]
print("the health check:", " ".join(image["Healthcheck"]["Test"][1:]))
PYTHON
mapfile -t probe < <(python3 -c '
import json, sys
for part in json.load(open(sys.argv[1]))["Docker"]["config"]["Healthcheck"]["Test"][1:]: print(part)' "$work/run/image.json")

# No container runtime is needed for this, and none runs everywhere. The root is mounted read-only in
# a mount namespace of its own; then all rights are given up.
contained() { # COMMAND...
  as_root unshare --mount sh -euc '
    root=$1; shift
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    if touch "$root/written" 2>/dev/null; then echo "the root can be written to"; exit 1; fi
    exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs \
      chroot --userspec=65532:65532 "$root" "$@"' sh "$root" "$@"
}
as_root unshare --mount true || missing "this machine allows no mount namespaces"

gate "without a key it refuses to serve the world"
if contained /visio --listen 0.0.0.0:0 >"$work/run/refused.log" 2>&1; then
  fail "it serves anybody"
fi
grep -q -- --open "$work/run/refused.log" || fail "it does not say why: $(cat "$work/run/refused.log")"

gate "it runs as nobody, with a root that cannot be written to, and is healthy"
port=$(free_port)
log=$work/run/contained.log
VISIO_JWT_SECRET=$secret VISIO_LISTEN=127.0.0.1:$port start "$log" contained /visio
server=$!
until_ok curl -fsS "http://127.0.0.1:$port/readyz" || { cat "$log"; fail "the image does not start"; }
pid=$(pgrep -f -x "/visio" | head -n 1)
[ "$(stat -c %u "/proc/$pid")" = 65532 ] || fail "it does not run as nobody"
grep -q '^CapBnd:.*0000000000000000$' "/proc/$pid/status" || fail "it has capabilities"
curl -fsS "http://127.0.0.1:$port/health" | tee "$work/run/health.json"
echo
grep -q '"status":"OK"' "$work/run/health.json" || fail "it is not healthy"
VISIO_JWT_SECRET=$secret contained /visio doctor "http://127.0.0.1:$port" || fail "no visit can take place in it"

gate "its health check notices when it is gone"
here=("${probe[@]/http:\/\/127.0.0.1:8080/http://127.0.0.1:$port}")
contained "${here[@]}" >"$work/run/probe.log" || { cat "$work/run/probe.log"; fail "the health check is wrong"; }

gate "it drains within the time that Compose and Kubernetes allow"
as_root kill -TERM "$pid"
until_ok sh -c "! kill -0 $pid" || fail "it does not end"
grep -q '"bye"' "$log" || { cat "$log"; fail "it did not end by itself"; }
wait "$server" || fail "it ended with an error"
if contained "${here[@]}" >"$work/run/probe.log"; then fail "the health check does not notice"; fi
as_root buildah "${storage[@]}" rm "$container" >/dev/null
