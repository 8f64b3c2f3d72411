"""Every metric and label that alerts and dashboard name is one that a real server has.

The expressions of the dashboard are written to a file of rules, so that promtool can read them.
"""

import json
import pathlib
import re
import sys

import yaml

text, folder = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2])
series = {}
for line in text.splitlines():
    if found := re.match(r"([a-z_]+)(?:\{(.*?)\})? ", line):
        labels = dict(re.findall(r'([a-z_]+)="([^"]*)"', found[2] or ""))
        for name, value in labels.items():
            series.setdefault(found[1], {}).setdefault(name, set()).add(value)
        series.setdefault(found[1], {})
# These are Prometheus's and the blackbox exporter's.
series |= {"up": {}, "probe_success": {}, "probe_ssl_earliest_cert_expiry": {}}
OF_PROMETHEUS = {"job", "instance", "le"}

alerts = [rule for group in yaml.safe_load((folder / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
dashboard = json.loads(pathlib.Path("deploy/grafana/dashboards/visio.json").read_text())
panels = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in dashboard["panels"]}
assert len({panel["id"] for panel in dashboard["panels"]}) == len(panels), "two panels share an id or a title"
expressions = {rule["alert"]: [rule["expr"]] for rule in alerts} | panels

used = set()
for place, list_ in expressions.items():
    for expression in list_:
        names = re.findall(r"\b((?:visio|process|probe)_[a-z_]+|up)\b(?!\()", expression)
        assert names, f"{place} names no metric: {expression}"
        for name in names:
            assert name in series, f"{place} names {name}, which the server does not have"
            used.add(name)
        for name, selector in re.findall(r"\b((?:visio|process|probe)_[a-z_]+|up)\{([^}]*)\}", expression):
            for label in re.findall(r"([a-z_]+)(?:=|!)", selector):
                known = series[name].keys() | OF_PROMETHEUS
                assert label in known, f"{place} asks {name} for the label {label}"
        for label in re.findall(r"by \(([a-z_, ]+)\)", expression):
            known = set().union(*(series[name] for name in names)) | OF_PROMETHEUS
            assert set(label.split(", ")) <= known, f"{place} groups by {label}"

shown = {name for list_ in panels.values() for one in list_ for name in re.findall(r"\bvisio_[a-z_]+", one)}
whole = {re.sub("_(bucket|sum|count)$", "", name) for name in series if name.startswith("visio_")}
missing = whole - {re.sub("_bucket$", "", name) for name in shown} - {"visio_build_info", "visio_draining", "visio_probes_total"}
assert not missing, f"no panel shows {sorted(missing)}"

rules = [
    {"record": f"dashboard:{number}", "expr": one.replace("$__rate_interval", "1m").replace("$instance", ".*")}
    for number, one in enumerate(one for list_ in panels.values() for one in list_)
]
(folder / "dashboard.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
print(f"{len(used)} metrics, in {len(alerts)} alerts and {len(panels)} panels, are all there")
