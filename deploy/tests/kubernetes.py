"""The manifests against the schema of the Kubernetes API, and against each other."""

import pathlib
import signal
import subprocess
import sys

import kubernetes_validate
import yaml

folder, visio = pathlib.Path(sys.argv[1]), sys.argv[2]
VERSIONS = ["1.29", "1.37"]

listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
assert set(listed) == files, f"kustomization.yaml lists {listed}"

manifests = {}
for name in listed:
    for manifest in yaml.safe_load_all((folder / name).read_text()):
        manifests[manifest["kind"]] = manifest
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)

# A misspelt field would be refused: the check itself is checked.
broken = yaml.safe_load((folder / "deployment.yaml").read_text())
broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
try:
    kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)
except kubernetes_validate.ValidationError:
    pass
else:
    sys.exit("the schema lets a misspelt field through")

pod = manifests["Deployment"]["spec"]["template"]
container = pod["spec"]["containers"][0]
labels = pod["metadata"]["labels"]
ports = {port["name"]: port["containerPort"] for port in container["ports"]}
for kind, selector in [
    ("Deployment", manifests["Deployment"]["spec"]["selector"]["matchLabels"]),
    ("Service", manifests["Service"]["spec"]["selector"]),
    ("PodDisruptionBudget", manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]),
    ("NetworkPolicy", manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]),
]:
    assert selector.items() <= labels.items(), f"{kind} selects other pods"
assert manifests["Service"]["spec"]["ports"][0]["targetPort"] in ports
for rule in manifests["NetworkPolicy"]["spec"]["ingress"]:
    assert all(port["port"] in ports for port in rule["ports"])
for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
    assert container[probe]["httpGet"]["port"] in ports

settings = manifests["ConfigMap"]["data"]
drain = int(settings["VISIO_DRAIN_SECONDS"])
assert pod["spec"]["terminationGracePeriodSeconds"] >= drain + 10, "a drain would be cut off"
secrets = {it["name"] for it in container["env"] if "valueFrom" in it}
assert secrets == {"VISIO_JWT_SECRET", "VISIO_TURN_SECRET"}
assert not secrets & settings.keys(), "a secret is in the ConfigMap"

# The server itself reads the settings, and answers the probes; only the addresses are ours.
environment = dict(settings)
environment |= {it["name"]: it.get("value", "a secret of 32 bytes, for this test") for it in container["env"]}
assert environment["VISIO_LISTEN"].endswith(f":{ports['http']}")
assert environment["VISIO_METRICS_LISTEN"].endswith(f":{ports['metrics']}")
environment |= {"VISIO_LISTEN": "127.0.0.1:0", "VISIO_METRICS_LISTEN": "127.0.0.1:0"}
process = subprocess.Popen([visio], env=environment, stderr=subprocess.PIPE, text=True)
log = []
for line in process.stderr:
    log.append(line)
    if "ready" in line:
        break
else:
    sys.exit("the server refuses the settings: " + "".join(log))
address = line.split("http://")[1].split("/")[0]
for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
    url = f"http://{address}{container[probe]['httpGet']['path']}"
    subprocess.run(["curl", "-fsS", "-o", "/dev/null", url], check=True)
process.send_signal(signal.SIGTERM)
process.stderr.read()
assert process.wait(60) == 0
print(f"{len(manifests)} manifests follow the schemas of Kubernetes {' and '.join(VERSIONS)}; the server takes their settings")
