"""Reads as much of our own Terraform as the checks want to know. Relies on `terraform fmt`."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Variable(NamedTuple):
    name: str
    description: str
    type: str
    default: str | None
    validated: bool


class Output(NamedTuple):
    name: str
    description: str


def folders():
    """The root, the modules, the examples."""
    return [ROOT, *sorted(ROOT.glob("modules/*")), *sorted(ROOT.glob("examples/*"))]


def text(folder):
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))


def variables(folder):
    return [
        Variable(
            name,
            string(body, "description"),
            value(body, "type"),
            value(body, "default"),
            "\n  validation {" in body,
        )
        for name, body in blocks(folder, "variable")
    ]


def outputs(folder):
    return [Output(name, string(body, "description")) for name, body in blocks(folder, "output")]


def blocks(folder, kind):
    """The labels and bodies of the blocks `KIND "LABEL" {` of a folder."""
    return re.findall(rf'^{kind} "(\w+)" (\{{.*?^\}})', text(folder), re.M | re.S)


def string(body, name):
    """A string, as it is meant."""
    found = re.search(rf'^  {name} += "(.*)"$', body, re.M)
    return found and found[1].replace('\\"', '"').replace("$${", "${")


def value(body, name):
    """An expression as it is written, in one line."""
    found = re.search(rf"^  {name} += (.*(?:\n    .*)*(?:\n  [\]\}}].*)?)$", body, re.M)
    if not found:
        return None
    line = re.sub(r"([\[\(\{])\s*\n\s*", r"\1", found[1])
    line = re.sub(r"\s*\n\s*([\]\)\}])", r"\1", line)
    return re.sub(r" +", " ", re.sub(r"\s*\n\s*", ", ", line)).replace("$${", "${")
