"""Sets every optional attribute to null: the root has to treat null like a missing attribute.

nulls.py    writes variables for `terraform plan -var-file`: each group with null for each optional
            attribute
"""

import json

from hcl import ROOT, variables


def main():
    groups = {
        it.name: it.attributes for it in variables(ROOT) if it.default == "{}" and it.attributes
    }
    nulls = {
        name: {
            path: None
            for path, attribute in attributes.items()
            if attribute.optional and "." not in path
        }
        for name, attributes in groups.items()
    }
    # Thresholds are groups of their own, in which each value can be null as well.
    nulls["alarms"] |= {
        outer: {
            path.split(".")[1]: None for path in groups["alarms"] if path.startswith(f"{outer}.")
        }
        for outer in ["thresholds", "health_thresholds"]
    }
    print(json.dumps(nulls, indent=2))


if __name__ == "__main__":
    main()
