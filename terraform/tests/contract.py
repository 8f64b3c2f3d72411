"""Whether Terraform and the code agree.

contract.py                compares the files
contract.py applied STATE  checks what was made from the root: `terraform show -json`
"""

import json
import re
import sys

from hcl import MODULES, ROOT, folders, outputs, text, variables

CODE = ROOT.parent
problems = []


def main(arguments):
    if arguments:
        applied(json.load(open(arguments[1])))
    else:
        compare()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def expect(condition, problem):
    if not condition:
        problems.append(problem)


def same(what, here, there):
    expect(here == there, f"{what}: Terraform has {here}, the code {there}")


def source(path):
    """A file of the code, without its tests."""
    return (CODE / path).read_text().split("#[cfg(test)]")[0]


def sources(directory, apart=()):
    files = sorted((CODE / directory).rglob("*.rs"))
    return "\n".join(source(it.relative_to(CODE)) for it in files if not {*apart} & {*it.parts})


def compare():
    environments()
    turn_ttl()
    permissions()
    table()
    routes()
    log_lines()
    visit_events()
    actions()
    places()
    costs()


def environments():
    same("environment of ice", environment("ice"), by_reference(variables_of(shared())))
    for module, path in [
        ("signaling", "lambda/src/settings.rs"),
        ("health", "lambda/src/health/settings.rs"),
    ]:
        listed = re.search(r"const SECRETS: .*?=\s*\[(.*?)\];", source(path), re.S)[1]
        expect("ice_servers(" in source(path), f"{path}: it reads no settings of STUN and TURN")
        there = variables_of(source(path)) | variables_of(shared())
        secrets = {name for name in there if is_secret(name)}
        expect(
            secrets == set(re.findall(r'"(\w+)"', listed)),
            f"{path}: SECRETS are {listed}, and not all",
        )
        same(f"environment of {module}", environment(module), by_reference(there))
    listed = re.search(r"setintersection\(.*?\[(.*?)\]", text(MODULES["signaling"]), re.S)[1]
    same(
        "variables that function.environment_variables may not set",
        sorted(re.findall(r'"(\w+)"', listed)),
        [name for name in environment("signaling") if not name.endswith("_ARN")],
    )
    expect(
        '"{name}_ARN"' in source("lambda/src/secrets.rs"),
        "the code finds references by another name than NAME_ARN",
    )


def shared():
    """The function that reads the settings of STUN and TURN, for both functions."""
    found = re.search(r"fn ice_servers\(.*?^\}", source("lambda/src/settings.rs"), re.M | re.S)
    return found[0]


def variables_of(code):
    return set(re.findall(r'"(VISIO_\w+)"', code))


def is_secret(name):
    return name.endswith(("_SECRET", "_CREDENTIAL"))


def by_reference(names):
    """A secret would be in the state, where many can read it, so the code gets only its ARN. A
    public key is not secret."""
    return sorted(f"{name}_ARN" if is_secret(name) else name for name in names)


def environment(module):
    body = re.search(r"^  environment = merge\(\n(.*?)^  \)", text(MODULES[module]), re.M | re.S)[1]
    names = set(re.findall(r"\b(VISIO_\w+) +=", body))
    return sorted(names.union(environment("ice") if "module.ice.environment" in body else []))


def turn_ttl():
    """How long TURN credentials last: the default, the least and the most."""
    code, here = source("src/ice/settings.rs"), text(MODULES["ice"])
    default = re.search(r"TTL_SECONDS: u32 = ([\d_]+);", code)[1]
    bounds = re.search(r"TTL_RANGE: .* = ([\d_]+)\.\.=([\d_]+);", code).groups()
    ice = next(it for it in variables(MODULES["ice"]) if it.name == "ice")
    refused = re.search(r"turn_ttl_seconds: expected a whole number from (\d+) to (\d+)", here)
    checked = re.search(r"turn_ttl_seconds >= (\d+) && var.ice.turn_ttl_seconds <= (\d+)", here)
    there = [it.replace("_", "") for it in [default, *bounds]]
    for found in [refused, checked]:
        mine = [ice.attributes["turn_ttl_seconds"].default, *found.groups()]
        same("seconds that TURN credentials last", mine, there)


# The calls of @connections, which have permissions of their own.
CONNECTIONS = {"post_to_connection": "POST", "get_connection": "GET", "delete_connection": "DELETE"}


def permissions():
    signaling, health = sources("lambda/src", apart=["health", "secrets.rs"]), sources(
        "lambda/src/health"
    )
    same("table actions of signaling", allowed("signaling", "dynamodb"), operations(signaling))
    same("table actions of health", allowed("health", "dynamodb"), operations(health))
    seen = re.search(r"let known = \[(.*?)\]", (CODE / "tests/lambda/bill.rs").read_text())[1]
    same(
        "table actions that the gateway saw",
        allowed("signaling", "dynamodb"),
        sorted(re.findall(r'"(\w+)"', seen)),
    )
    for module in ["signaling", "health"]:
        reads = operations(source("lambda/src/secrets.rs"))
        same(f"actions of {module} on secrets", allowed(module, "secretsmanager"), reads)
    listed = re.search(r'for verb in \[(.*?)\] : "\$\{module.api', text(MODULES["signaling"]))[1]
    used = {verb for call, verb in CONNECTIONS.items() if f".{call}()" in signaling}
    same("verbs of @connections", sorted(re.findall(r'"(\w+)"', listed)), sorted(used))
    key = re.search(r'"dynamodb:LeadingKeys" = \["(.*?)"\]', text(MODULES["health"]))[1]
    expect(
        f'AttributeValue::S("{key}".into())' in health,
        f"health may read the item {key} and reads another",
    )


def operations(code):
    """The operations on DynamoDB, or on Secrets Manager: the calls of a client, on one line or
    two."""
    calls = set(re.findall(r"client\s*\.(\w+)\(\)", code)) - CONNECTIONS.keys()
    return sorted({"".join(word.title() for word in call.split("_")) for call in calls})


def allowed(module, service):
    return sorted(set(re.findall(rf'"{service}:(\w+)"', text(MODULES[module]))) - {"LeadingKeys"})


def table():
    code, here = sources("lambda/src/table"), text(MODULES["signaling"])
    for attribute, pattern in [("pk", r'hash_key += "(\w+)"'), ("x", r'attribute_name = "(\w+)"')]:
        same("attribute of the table", re.search(pattern, here)[1], attribute)
        expect(f'("{attribute}",' in code, f"the code knows no attribute {attribute}")


def routes():
    options = source("lambda/gateway/src/options.rs")
    here = next(
        it for it in variables(MODULES["websocket-api"]) if it.name == "route_selection_expression"
    )
    there = re.search(r'route_selection: (".*?")', options)[1]
    same("route selection expression", here.default, there)
    served = re.search(r'routes += (\["\$connect".*?\])', text(MODULES["signaling"]))[1]
    emulated = re.search(r'from\((\["\$connect".*?\])', options)[1]
    same("routes to the function", sorted(json.loads(served)), sorted(json.loads(emulated)))
    expect('routes.insert("ping"' in options, "the emulator answers no pings")


def log_lines():
    for module, directory in [("signaling", "lambda/src"), ("health", "lambda/src/health")]:
        phrase = re.search(r'pattern += "\\"(.*?)\\""', text(MODULES[module]))[1]
        logged = re.search(rf'log::line\([^;]*"[^"]*{phrase}"', sources(directory))
        expect(logged, f'{module} never logs "{phrase}", which its alarm waits for')


def visit_events():
    """The dashboard has a line for everything that the function counts."""
    counted = re.findall(r'Happened::\w+(?: \{[^}]*\})? => \("(\w+)"', source("src/core/audit.rs"))
    shown = re.search(r"visit_events = \[(.*?)\]", text(MODULES["signaling"]), re.S)[1]
    same("events of visits", sorted(re.findall(r'"(\w+)"', shown)), sorted(counted))
    expect('"visio_visit_events_total"' in source("lambda/src/log.rs"), "lambda: nothing is counted")


def actions():
    for folder in folders():
        for action in re.findall(r'"([a-z0-9-]+:[\w*]*\*[\w*]*)"', text(folder)):
            # AWS's own default: a key that its account could not manage would be lost.
            expect(
                action == "kms:*" and folder.name == "kms-key",
                f"{folder.name}: the action {action} is too wide",
            )


def readme(begin, end):
    return (ROOT / "README.md").read_text().split(begin)[1].split(end)[0]


def places():
    """Every new name in the README's table of old names exists."""
    known = {it.name for folder in folders() for it in [*variables(folder), *outputs(folder)]}
    known |= {
        f"{it.name}.{path}"
        for folder in folders()
        for it in variables(folder)
        for path in it.attributes
    }
    for row in readme("## Coming from another", "\n## ").splitlines():
        cells = row.split(" | ")
        for name in re.findall(r"`([a-z]+(?:[_.][a-z]+)+)`", cells[1]) if len(cells) == 2 else []:
            expect(name in known or f"`{name}`" in cells[0], f"README.md: there is no {name} here")


def costs():
    """The table of costs agrees with its formulas."""
    text = readme("## What it costs", "\n## ")
    found = re.search(r"30\.4 x ([\d.]+) \(or ([\d.]+)\) / 1,000,000", text)
    single, lists = float(found[1]), float(found[2])
    check = int(re.search(r"checks x (\d+) / 1,000,000", text)[1]) * 79_200 / 1e6
    alarms, secret = (15 + 4) * 0.10, 0.40
    for row in re.findall(r"^\| ([\d,]+) \| (.*) \|$", text, re.M):
        visits = int(row[0].replace(",", "")) * 30.4 / 1e6
        one, other = visits * single, visits * lists
        always = check + alarms + secret
        sums = [one, other, check, alarms, secret, one + always, other + always]
        expect(
            row[1] == " | ".join(f"{it:.2f}" for it in sums),
            f"README.md: {row[0]} visits a day cost {sums}",
        )


def applied(state):
    made = [it for it in resources(state["values"]["root_module"]) if it["mode"] == "managed"]
    outputs_made(state["values"]["outputs"])
    secret_made(made)
    keys_used(made, state["values"]["outputs"].get("kms_key_arn", {}).get("value"))
    for it in made:
        values = it["values"]
        if it["type"] == "aws_iam_role_policy":
            for statement in json.loads(values["policy"])["Statement"]:
                narrow(it["address"], statement)
        if it["type"] == "aws_iam_role":
            for statement in json.loads(values["assume_role_policy"])["Statement"]:
                services = statement["Principal"].get("Service")
                expect(
                    services == "lambda.amazonaws.com",
                    f"{it['address']}: {services} can take it on",
                )
        if it["type"] == "aws_lambda_permission" and values["principal"] == "*":
            by_url = values["function_url_auth_type"] == "NONE" and it["address"].startswith(
                "module.health"
            )
            expect(by_url, f"{it['address']} lets everybody in")
        if it["type"] == "aws_lambda_function":
            module = re.match(r"module\.(\w+)", it["address"])[1]
            names = values["environment"][0]["variables"].keys()
            expect(
                names <= set(environment(module)),
                f"{it['address']} is told more than it reads: {names}",
            )
    told = [
        {name: value for name, value in it.items() if name in environment("ice")}
        for it in environments_made(made)
    ]
    expect(told[:1] == told[1:], f"the functions are told of different servers: {told}")
    count = sum(it["type"] == "aws_lambda_function" for it in made)
    expect(count == 2, f"{count} functions were made")


def environments_made(made):
    functions = [it["values"] for it in made if it["type"] == "aws_lambda_function"]
    return [it["environment"][0]["variables"] for it in functions]


def secret_made(made):
    """There is one secret, both functions get its ARN, and nothing reveals its value."""
    secrets = [it["values"] for it in made if it["type"] == "aws_secretsmanager_secret"]
    versions = [it["values"] for it in made if it["type"] == "aws_secretsmanager_secret_version"]
    arns = [it["arn"] for it in secrets]
    expect(len(arns) == 1, f"{len(arns)} secrets were made")
    expect([it["secret_id"] for it in versions] == arns, "a secret has no value, or two")
    for it in environments_made(made):
        expect(
            [it.get("VISIO_HEALTH_SECRET_ARN")] == arns,
            f"a function is told of another secret than {arns}: {it}",
        )
    for it in versions:
        values = [it.get(key) for key in ["secret_string", "secret_string_wo", "secret_binary"]]
        expect(not any(values) and it["has_secret_string_wo"], "the state holds a secret")


def keys_used(made, key):
    """Everything that can use the key does, or nothing does."""
    for it in made:
        values = it["values"]
        if it["type"] == "aws_dynamodb_table":
            on = [
                block["kms_key_arn"]
                for block in values["server_side_encryption"]
                if block["enabled"]
            ]
        elif it["type"] in ["aws_secretsmanager_secret", "aws_cloudwatch_log_group"]:
            on = [values["kms_key_id"]] if values["kms_key_id"] else []
        else:
            continue
        expect(on == ([key] if key else []), f"{it['address']} is on {on}, and the key is {key}")


def narrow(address, statement):
    for action in statement["Action"]:
        expect("*" not in action, f"{address}: the action {action} is too wide")
    for resource in statement["Resource"]:
        tracing = all(action.startswith("xray:") for action in statement["Action"])
        whole = re.fullmatch(r"arn:aws:[\w-]+:[\w-]+:\d{12}:[^*]+", resource)
        connections = re.fullmatch(
            r"arn:aws:execute-api:[\w-]+:\d{12}:\w+/\w+/(POST|GET|DELETE)/@connections/\*", resource
        )
        streams = re.fullmatch(
            r"arn:aws:logs:[\w-]+:\d{12}:log-group:/aws/lambda/[\w-]+:\*", resource
        )
        expect(
            whole or connections or streams or tracing,
            f"{address}: the resource {resource} is too wide",
        )


def resources(module):
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def outputs_made(made):
    host = r"[a-z0-9]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com"
    url = r"https://[a-z0-9]+\.lambda-url\.[a-z0-9-]+\.on\.aws"
    shapes = {
        "websocket_url": rf"wss://{host}/dev",
        "websocket_management_endpoint": rf"https://{host}/dev",
        "wscat_command": rf"wscat -c wss://{host}/dev",
        "health_base_url": url,
        "health_url": rf"{url}/health",
        "status_url": rf"{url}/status",
        "frontend_env_variable": rf"NEXT_PUBLIC_VISIO_HEALTH_URL={url}/health",
        "page_query": r"\?server=wss%3A%2F%2F.*%2Fdev&health=https%3A%2F%2F.*%2Fhealth",
        "logs_command": r"aws logs tail /aws/lambda/visio-dev-signaling --region eu-west-3 --follow",
        "health_logs_command": r"aws logs tail /aws/lambda/visio-dev-health --region eu-west-3 --follow",
    }
    for name, shape in shapes.items():
        value = made.get(name, {}).get("value")
        expect(re.fullmatch(shape, value or ""), f"the output {name} is {value}")
    # tables.py compares the README's table with outputs.tf.
    null = {"domain_target", "kms_key_arn"}
    same("outputs", sorted(made.keys() | null), sorted(it.name for it in outputs(ROOT)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
