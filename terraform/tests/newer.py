"""Whether a newer AWS provider knows everything that is written here.

    newer.py WHEEL    of cdktf-cdktf-provider-aws: bindings generated from the provider's schema

Every argument and every block of resources and data sources has to exist there, and everything that
is required there has to be given here. This checks less than `terraform validate` with that
provider, but more than nothing.
"""

import re
import sys
import tarfile
import zipfile
from pathlib import Path

import hcl2

ROOT = Path(__file__).resolve().parents[1]
# Terraform's own, in every resource, and the parser's.
OWN = {
    "count",
    "for_each",
    "provider",
    "depends_on",
    "lifecycle",
    "dynamic",
    "__start_line__",
    "__end_line__",
}
problems = []
known = 0


def main(wheel):
    there = declarations(wheel)
    for file in sorted(ROOT.rglob("*.tf")):
        parsed = hcl2.loads(file.read_text())
        for kind, prefix in [("resource", ""), ("data", "data-aws-")]:
            for type_, named in pairs(parsed.get(kind, [])):
                text = there.get(prefix + type_.removeprefix("aws_").replace("_", "-"))
                for name, body in named.items():
                    compare(f"{file.relative_to(ROOT)}: {type_}.{name}", text, body)
    version = re.search(r"hashicorp/aws/([\d.]+)/", there["lambda-function"])[1]
    for problem in problems:
        print(f"AWS provider {version}: {problem}", file=sys.stderr)
    print(
        f"AWS provider {version} knows {known} arguments and blocks; "
        f"{len(problems)} are unknown to it or missing"
    )
    return 1 if problems or not known else 0


def declarations(wheel):
    """The TypeScript declarations of each resource and data source."""
    with zipfile.ZipFile(wheel) as files:
        inner = next(name for name in files.namelist() if name.endswith(".jsii.tgz"))
        with files.open(inner) as archive, tarfile.open(fileobj=archive, mode="r|gz") as tar:
            found = (
                (re.fullmatch(r"package/lib/([\w-]+)/index\.d\.ts", it.name), it) for it in tar
            )
            return {match[1]: tar.extractfile(it).read().decode() for match, it in found if match}


def pairs(blocks):
    return [pair for block in blocks for pair in block.items()]


def compare(where, text, body):
    if text is None:
        problems.append(f"{where}: there is no such type")
        return
    interfaces = {
        name: dict(re.findall(r"readonly (\w+\??): ([^;]+);", members))
        for name, members in re.findall(r"export interface (\w+)[^{]*\{(.*?)\n\}", text, re.S)
    }
    config = re.search(r"id: string, config\??: (\w+)", text)[1]
    members(where, interfaces, config, body)


def members(where, interfaces, name, body):
    """The members of a block. An optional member ends in a question mark."""
    global known
    there = {member.rstrip("?"): type_ for member, type_ in interfaces[name].items()}
    here = [(key, value) for key, value in body.items() if key not in OWN]
    here += [(key, block["content"]) for key, block in pairs(body.get("dynamic", []))]
    for key, value in here:
        if camel(key) not in there:
            problems.append(f"{where}: {key} is unknown")
            continue
        known += 1
        block = re.match(r"\w*", there[camel(key)])[0]
        if block in interfaces:
            for inner in value:
                members(f"{where}, {key}", interfaces, block, inner)
    given = {camel(key) for key, _ in here}
    for member in interfaces[name]:
        if not member.endswith("?") and member not in given:
            problems.append(f"{where}: {member} is required")


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
