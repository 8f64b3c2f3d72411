# shellcheck shell=bash disable=SC2154
# docker-compose reads the file, with the secrets that deploy/secrets makes, and refuses it without.

gate "compose.yaml"
copy=$work/run/compose
mkdir -p "$copy"
cp -R deploy/. "$copy"
rm -f "$copy/.env"
if docker-compose -f "$copy/compose.yaml" config >"$copy/log" 2>&1; then fail "compose.yaml works without secrets"; fi
grep -q 'deploy/.env' "$copy/log" || { cat "$copy/log"; fail "compose.yaml does not say what is missing"; }
"$copy/secrets" visio.hospital.example turn.hospital.example
[ "$(stat -c %a "$copy/.env")" = 600 ] || fail "everybody can read the secrets"
if "$copy/secrets" a b 2>/dev/null; then fail "deploy/secrets overwrites secrets"; fi
(cd "$copy" && docker-compose --env-file .env -f compose.yaml config) >"$work/run/compose.yaml" || fail "docker-compose refuses compose.yaml"
python3 -c 'import yaml' 2>/dev/null || as_root apt-get install -yq --no-install-recommends python3-yaml
python3 deploy/tests/compose.py "$work/run/compose.yaml" "$copy" "$visio"
