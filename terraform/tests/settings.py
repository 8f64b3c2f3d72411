"""Whether each setting does something, is described, has the default that its description says, and
is refused when it is wrong.

settings.py
"""

import re
import sys
from functools import cache

from hcl import MODULES, ROOT, blocks, folders, outputs, split, text, variables

problems = []


def main():
    every_variable()
    every_attribute()
    every_output()
    defaults()
    validations()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def expect(condition, problem):
    if not condition:
        problems.append(problem)


@cache
def uses(folder):
    """The text of a folder outside its variable blocks."""
    return re.sub(r"^variable .*?^\}", "", text(folder), flags=re.M | re.S)


def every_variable():
    for folder in folders():
        for it in variables(folder):
            where = f"{folder.name}: variable {it.name}"
            expect(it.type and it.description, f"{where} has no type or no description")
            used = re.search(rf"\bvar\.{it.name}\b", uses(folder))
            expect(used or it.name == "open_mode", f"{where} does nothing")


def every_attribute():
    """Each attribute of an object is described, does something, and has the default that its
    description says."""
    for folder in folders():
        for it in variables(folder):
            # Terraform silently drops an attribute that a module does not know, so it would do
            # nothing.
            for path, found in it.attributes.items():
                where = f"{folder.name}: {it.name}.{path}"
                inner = any(other.startswith(f"{path}.") for other in it.attributes)
                outer = it.attributes.get(path.rpartition(".")[0])
                if outer and outer.description:
                    continue
                expect(found.description or inner or not it.default, f"{where} is not described")
                expect(
                    found.type or not found.description, f"{where} is described, and does not exist"
                )
                if found.description and it.default:
                    expect(does(folder, it.name, path), f"{where} does nothing")
                    said = re.search(r"Default (.+)$", found.description)
                    wrong = defaults_of(folder, it.name, path) - {said and said[1]}
                    expect(
                        not found.optional or (said and not wrong),
                        f"{where} is {wrong} by default, and its description says otherwise",
                    )


def does(folder, name, path):
    """Whether the attribute is read here, or in a module that its object is passed to."""
    if re.search(rf"\bvar\.{name}\.{path}\b", uses(folder)):
        return True
    return any(does(*there) for there in goes(folder, name, path))


def goes(folder, name, path):
    """The modules that an attribute is passed to with its object, and its name there."""
    outer, _, rest = path.partition(".")
    instead = {(source, argument, it) for source, argument, it, _ in renamed(folder)}
    for source, argument, variable in passed(folder):
        there = next(it for it in variables(MODULES[source]) if it.name == argument)
        goes_on = path in there.attributes and (source, argument, outer) not in instead
        if variable == name and goes_on:
            yield MODULES[source], argument, path
    for source, argument, instead, mine in renamed(folder):
        if (name, outer) == mine and rest:
            yield MODULES[source], argument, f"{instead}.{rest}"


def renamed(folder):
    """Attributes of an object that become other attributes:
    merge(var.alarms, { thresholds = var.alarms.health_thresholds })."""
    for _, body in blocks(folder, "module"):
        source = re.search(r'source = ".*/([\w-]+)"', body)[1]
        for argument, instead, name, path in re.findall(
            r"^  (\w+) += merge\(var\.\w+, \{ (\w+) = var\.(\w+)\.(\w+) \}\)", body, re.M
        ):
            yield source, argument, instead, (name, path)


def defaults_of(folder, name, path):
    """The default of an attribute, as descriptions state it: here, and in each module that it is
    passed to."""
    there = next(it for it in variables(folder) if it.name == name)
    written = there.attributes[path].default
    here = {{"[]": "none", "{}": "none"}.get(written, written.strip('"'))} if written else set()
    return here.union(*(defaults_of(*further) for further in goes(folder, name, path)))


def every_output():
    for folder in folders():
        for it in outputs(folder):
            expect(it.description, f"{folder.name}: output {it.name} has no description")


@cache
def passed(folder):
    """Which variable becomes which variable of which module."""
    found = []
    for _, body in blocks(folder, "module"):
        source = re.search(r'source = ".*/([\w-]+)"', body)[1]
        known = {it.name for it in variables(MODULES[source])}
        given = r"^  (\w+) += (?:coalesce\(|merge\()?var\.(\w+)\b(?!\.)"
        pairs = re.findall(given, body, re.M)
        found += [(source, argument, name) for argument, name in pairs if argument in known]
    return found


def defaults():
    for folder in [ROOT, MODULES["signaling"]]:
        here = {it.name: it for it in variables(folder)}
        for module, argument, variable in passed(folder):
            there = next(it for it in variables(MODULES[module]) if it.name == argument)
            mine = here[variable]
            expect(
                there.default in (None, mine.default) or mine.default == "null",
                f"{folder.name}: {variable} is {mine.default} by default, in {module} {there.default}",
            )


def validations():
    """Every variable that can be wrong is validated, here or in the module it is passed to, and a
    test checks that it is refused."""
    unlimited = {
        "tags",
        "description",
        "path",
        "package",
        "packages",
        "table_name",
        "dashboard_function_names",
    }
    tests = [(it.name, it.read_text()) for it in sorted(ROOT.glob("tests/*.tftest.hcl"))]
    runs = [
        run for name, test in tests for run in re.findall(r'^run "\w+" \{.*?^\}', test, re.M | re.S)
    ]
    for folder in [ROOT, *MODULES.values()]:
        goes_to = {variable: (module, argument) for module, argument, variable in passed(folder)}
        source = f'"./modules/{folder.name}"'

        def of(run):
            return (source in run) if folder != ROOT else ("source" not in run)

        refused = {name for run in runs if of(run) for name in failures(run)}
        alone = {found for run in runs if of(run) for found in refused_alone(run)}
        for it in variables(folder):
            if it.validated:
                expect(it.name in refused, f"{folder.name}: no test sees {it.name} refused")
                body = dict(blocks(folder, "variable"))[it.name]
                for path in re.findall(rf'error_message = "{it.name}\.([\w.]+):', body):
                    expect(
                        (it.name, path.split(".")[-1]) in alone,
                        f"{folder.name}: no test sees {it.name}.{path} alone refused",
                    )
            elif {found.type for found in it.attributes.values()} == {"bool"}:
                continue
            elif it.type != "bool" and it.name not in unlimited:
                module, argument = goes_to.get(it.name, (None, None))
                there = (
                    [other for other in variables(MODULES[module]) if other.name == argument]
                    if module
                    else []
                )
                further = dict((v, m) for m, _, v in passed(MODULES[module])) if module else {}
                expect(
                    any(other.validated or other.name in further for other in there),
                    f"{folder.name}: {it.name} is validated nowhere",
                )


def failures(run):
    expected = re.search(r"expect_failures = \[(.*?)\]", run, re.S)
    return re.findall(r"var\.(\w+)", expected[1]) if expected else []


def refused_alone(run):
    """Attributes that are refused with nothing else in their object, and the attributes inside
    them."""
    for name in failures(run):
        given = re.search(rf"^    {name} += \{{ (.*) \}}$", run, re.M)
        # A domain always has two attributes; one of them is wrong.
        for part in split(given[1]) if given else []:
            if name == "domain" or len(list(split(given[1]))) == 1:
                yield from ((name, attribute) for attribute in re.findall(r"(\w+) +=", part))


if __name__ == "__main__":
    sys.exit(main())
