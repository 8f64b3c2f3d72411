"""The tables of variables and outputs in the READMEs, between their markers.

tables.py          fails if one differs from the code
tables.py --write  writes them
"""

import sys

from hcl import folders, outputs, variables

BEGIN, END = "<!-- tables: begin, by tests/tables.py -->", "<!-- tables: end -->"


def main(write):
    stale = []
    for folder in folders():
        readme = folder / "README.md"
        if not readme.exists():
            sys.exit(f"{readme} is missing")
        old = readme.read_text()
        before, found, rest = old.partition(BEGIN)
        inside, closed, after = rest.partition(END)
        if not (found and closed):
            sys.exit(f"{readme} has no markers for its tables")
        new = before + BEGIN + tables(folder) + END + after
        if new != old and write:
            readme.write_text(new)
        elif new != old:
            stale.append(readme)
    for readme in stale:
        print(
            f"{readme}: the tables are not as the code; run terraform/tests/tables.py --write",
            file=sys.stderr,
        )
    return 1 if stale else 0


def tables(folder):
    lines = ["", "", "| variable | type | default | |", "|---|---|---|---|"]
    for it in variables(folder):
        default = "required" if it.default is None else code(it.default)
        described = {path: found for path, found in it.attributes.items() if found.description}
        type_ = "object" if described else it.type
        lines.append(f"| `{it.name}` | {code(type_)} | {default} | {cell(it.description)} |")
        for path, found in described.items():
            text, _, default = found.description.partition(" Default ")
            text = text[0].upper() + text[1:].removesuffix(".")
            lines.append(
                f"| `{it.name}.{path}` | {code(found.type)} | {code(default) if default else 'required'} | {cell(text)} |"
            )
    lines += ["", "| output | |", "|---|---|"]
    lines += [f"| `{it.name}` | {cell(it.description)} |" for it in outputs(folder)]
    return "\n".join([*lines, "", ""])


def code(expression):
    return f"`{cell(expression)}`"


def cell(prose):
    return prose.replace("|", "\\|").removesuffix(".")


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv))
