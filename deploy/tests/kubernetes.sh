# shellcheck shell=bash disable=SC2154
# The manifests follow the schema of the Kubernetes API, without a cluster.

gate "Kubernetes manifests"
venv=$work/venv
wanted_packages='kubernetes-validate==1.37.0'
if [ "$(cat "$venv/wanted" 2>/dev/null)" != "$wanted_packages" ]; then
  python3 -m venv --clear "$venv" || missing "python3 cannot make a venv (on Debian: python3-venv)"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$wanted_packages" || missing "pip cannot install $wanted_packages"
  echo "$wanted_packages" >"$venv/wanted"
fi
"$venv/bin/python" deploy/tests/kubernetes.py deploy/kubernetes "$visio"
