"""Reads as much of our own Terraform as the checks need. Relies on `terraform fmt`."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
MODULES = {folder.name: folder for folder in sorted(ROOT.glob("modules/*"))}


class Attribute(NamedTuple):
    type: str
    optional: bool
    default: str | None
    description: str | None


class Variable(NamedTuple):
    name: str
    description: str
    type: str
    default: str | None
    validated: bool
    attributes: dict[
        str, Attribute
    ]  # of an object, by their paths: alarms.thresholds.errors is thresholds.errors


class Output(NamedTuple):
    name: str
    description: str


def folders():
    """The root, the modules, the examples."""
    return [ROOT, *sorted(ROOT.glob("modules/*")), *sorted(ROOT.glob("examples/*"))]


@cache
def text(folder):
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))


@cache
def variables(folder):
    return [variable(name, body) for name, body in blocks(folder, "variable")]


def variable(name, body):
    """The description of an object is a sentence, then a line for each attribute:
    `- NAME: what it is`."""
    type_ = value(body, "type")
    prose, _, lines = (heredoc(body, "description") or string(body, "description") or "").partition(
        "\n- "
    )
    described = dict(re.findall(r"^([\w.]+): (.*)$", lines.replace("\n- ", "\n"), re.M))
    found = dict(attributes(type_ or ""))
    found |= {path: Attribute("", True, None, None) for path in described.keys() - found.keys()}
    documented = {path: it._replace(description=described.get(path)) for path, it in found.items()}
    return Variable(
        name, prose, type_, value(body, "default"), "\n  validation {" in body, documented
    )


def attributes(type_, outer=""):
    """The attributes of an object, and of the objects in it."""
    if not type_.startswith("object({"):
        return
    for part in split(type_.removeprefix("object({").removesuffix("})")):
        name, inner = part.split(" = ", 1)
        optional = inner.startswith("optional(")
        inner = inner.removeprefix("optional(").removesuffix(")") if optional else inner
        inner, *default = split(inner)
        yield outer + name, Attribute(inner, optional, *default or [None], None)
        yield from attributes(inner, f"{outer}{name}.")


def split(parts):
    """Splits at the commas outside brackets."""
    depth, begin = 0, 0
    for end, letter in enumerate(parts):
        depth += (letter in "({[") - (letter in ")}]")
        if letter == "," and depth == 0:
            yield parts[begin:end].strip()
            begin = end + 1
    yield parts[begin:].strip()


def outputs(folder):
    return [Output(name, string(body, "description")) for name, body in blocks(folder, "output")]


def blocks(folder, kind):
    """The labels and bodies of the blocks `KIND "LABEL" {` of a folder."""
    return re.findall(rf'^{kind} "(\w+)" (\{{.*?^\}})', text(folder), re.M | re.S)


def string(body, name):
    """The value of a string literal."""
    found = re.search(rf'^  {name} += "(.*)"$', body, re.M)
    return found and found[1].replace('\\"', '"').replace("$${", "${")


def heredoc(body, name):
    found = re.search(rf"^  {name} += <<-EOT\n(.*?)^  EOT$", body, re.M | re.S)
    return found and re.sub(r"^ {4}", "", found[1], flags=re.M).strip()


def value(body, name):
    """An expression as written, on one line."""
    found = re.search(rf"^  {name} += (.*(?:\n    .*)*(?:\n  [\]\}}].*)?)$", body, re.M)
    if not found:
        return None
    line = re.sub(r"([\[\(\{])\s*\n\s*", r"\1", found[1])
    line = re.sub(r"\s*\n\s*([\]\)\}])", r"\1", line)
    return re.sub(r" +", " ", re.sub(r"\s*\n\s*", ", ", line)).replace("$${", "${")
