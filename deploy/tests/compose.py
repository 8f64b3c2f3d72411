"""What compose.yaml means, as docker-compose read it.

The server accepts its environment, every file that is mounted exists, the secrets reach both ends,
and no container may do more than it needs.
"""

import os
import pathlib
import signal
import subprocess
import sys

import yaml

composed, folder, visio = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
services = yaml.safe_load(open(composed))["services"]
server, turn = services["visio"], services["coturn"]
environment = {name: str(value) for name, value in server["environment"].items()}

assert environment["VISIO_TURN_SECRET"] == turn["environment"]["TURN_SECRET"]
assert environment["VISIO_ALLOWED_ORIGIN"] == "https://visio.hospital.example"
assert environment["VISIO_TURN_URL"].count("turn.hospital.example") == 3, environment["VISIO_TURN_URL"]
for name, service in services.items():
    assert "ALL" in service["cap_drop"], f"{name} keeps its capabilities"
    for volume in service.get("volumes", []):
        source = volume.split(":")[0] if isinstance(volume, str) else volume["source"]
        assert not source.startswith(("/", ".")) or pathlib.Path(source).exists(), source
for name in ("visio", "coturn", "prometheus", "blackbox"):
    assert services[name]["read_only"], f"{name} can write to its root"
assert "ports" not in server, "the server is reachable without Caddy"
assert (folder / "prometheus/public.yml").read_text() == '- targets: ["https://visio.hospital.example/health"]\n'
assert os.access(folder / "coturn/run", os.X_OK)

drain = int(environment["VISIO_DRAIN_SECONDS"])
grace = server["stop_grace_period"]
assert grace == "45s" and drain + 10 <= 45, (grace, drain)

# The server itself reads the environment; only the addresses are this machine's.
environment |= {"VISIO_LISTEN": "127.0.0.1:0", "VISIO_METRICS_LISTEN": "127.0.0.1:0"}
process = subprocess.Popen([visio], env=environment, stderr=subprocess.PIPE, text=True)
lines = []
for line in process.stderr:
    lines.append(line)
    if "ready" in line:
        break
else:
    sys.exit("the server refuses the settings of compose.yaml: " + "".join(lines))
process.send_signal(signal.SIGTERM)
process.stderr.read()
assert process.wait(60) == 0
print(f"{len(services)} services; the server accepts its {len(environment)} settings")
