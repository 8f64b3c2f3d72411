"""An AWS to apply to: moto's server, extended by the parts that it lacks and we deploy.

moto (5.2.5) has no deployments of WebSocket APIs, forgets which one a stage serves, cannot update a
stage, forgets a function's log settings and a table's throughput cap, and has no provisioned
concurrency. Its tables and log groups keep the key that they began with, and its domains never
become available. This file adds these parts as AWS documents them, as far as Terraform looks.
Nothing is invoked: this is about resources. There is a DNS zone from the start: clinic.example.

    aws.py PORT                      serves on the loopback interface
    aws.py --left URL                names what is left there, and fails if anything is
    aws.py --keys URL                names what uses a key there that is pending deletion, or gone,
                                     and fails if anything does
    aws.py --secret URL SEEN FILE... fails if there is no secret there, if one is in a FILE, such as
                                     a state, or if two are the same; SEEN keeps hashes of earlier
                                     ones
"""

import hashlib
import itertools
import json
import os
import re
import sys
import urllib.request
from http import HTTPStatus
from pathlib import Path

ACCOUNT = "123456789012"
ZONE = "ZCLINICEXAMPLE"


def serve(port):
    # Read when moto is imported: AWS's own policies, one of which is attached.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from werkzeug.serving import run_simple

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    remember_more()
    make_zone()
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", port, Extended(moto), threaded=False)


def remember_more():
    """Fields that moto accepts and does not return."""
    from moto.apigatewayv2.models import DomainName, Stage
    from moto.awslambda.models import LambdaFunction
    from moto.dynamodb.models.table import Table
    from moto.dynamodb.responses import DynamoHandler
    from moto.logs.responses import LogsResponse

    extend(Stage, "to_json", lambda stage: {"deploymentId": stage.config.get("deploymentId")})

    def available(domain):
        made = {
            "domainNameStatus": "AVAILABLE",
            "apiGatewayDomainName": "d-example.execute-api.eu-west-3.amazonaws.com",
            "hostedZoneId": "ZGATEWAY",
        }
        return {
            "domainNameConfigurations": [it | made for it in domain.domain_name_configurations],
            "mutualTlsAuthentication": domain.mutual_tls_authentication or None,
        }

    extend(DomainName, "to_json", available)

    def logging(function):
        return {"LoggingConfig": getattr(function, "logging", {"LogFormat": "Text"})}

    extend(LambdaFunction, "get_configuration", logging)
    after(LambdaFunction, "__init__", lambda it, spec, **_: remember_logging(it, spec))
    after(LambdaFunction, "update_configuration", remember_logging)

    fuses = {}

    def remember_fuse(request):
        if "OnDemandThroughput" in request.body:
            fuses[request.body["TableName"]] = request.body["OnDemandThroughput"]

    def fuse(table, description):
        if table.name in fuses:
            next(iter(description.values()))["OnDemandThroughput"] = fuses[table.name]

    def remember_key(request):
        if "SSESpecification" in request.body:
            table = request.dynamodb_backend.tables[request.body["TableName"]]
            table.sse_specification = request.body["SSESpecification"]

    after(DynamoHandler, "create_table", remember_fuse)
    after(DynamoHandler, "update_table", remember_fuse)
    after(DynamoHandler, "update_table", remember_key)
    plain = Table.describe
    Table.describe = lambda table, *a, **k: (it := plain(table, *a, **k), fuse(table, it))[0]

    def put_key(request, key):
        request.logs_backend.groups[request._get_param("logGroupName")].kms_key_id = key
        return ""

    LogsResponse.associate_kms_key = lambda it: put_key(it, it._get_param("kmsKeyId"))
    LogsResponse.disassociate_kms_key = lambda it: put_key(it, None)


def make_zone():
    from moto.route53.models import route53_backends

    backend = route53_backends[ACCOUNT]["aws"]
    zone = backend.create_hosted_zone("clinic.example.", private_zone=False)
    zone.resource_id = ZONE
    backend.zones = {ZONE: zone}


def remember_logging(function, spec):
    if "LoggingConfig" in spec:
        function.logging = spec["LoggingConfig"]


def extend(of, method, more):
    plain = getattr(of, method)
    setattr(of, method, lambda it, *a, **k: {**plain(it, *a, **k), **more(it)})


def after(of, method, then):
    plain = getattr(of, method)

    def wrapped(it, *a, **k):
        answer = plain(it, *a, **k)
        then(it, *a, **k)
        return answer

    setattr(of, method, wrapped)


class Extended:
    """Answers the calls that moto does not, and leaves the rest to moto."""

    def __init__(self, moto):
        self.moto = moto
        self.numbers = itertools.count()
        self.deployments = {}
        self.provisioned = {}
        self.answers = {}
        self.routes = [
            (r"/v2/apis/([^/]+)/deployments(?:/([^/]+))?", self.deployment),
            (r"/v2/apis/([^/]+)/stages/([^/]+)", self.stage),
            (r"/2019-09-30/functions/([^/]+)/provisioned-concurrency", self.concurrency),
            (r"/left", self.left),
            (r"/keys", self.keys),
            (r"/secrets", self.secrets),
        ]

    def __call__(self, environ, start_response):
        """The same answer if the same call comes again: under load an answer sometimes gets lost, and
        the caller retries."""
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if call not in self.answers:
            head = []
            body = b"".join(self.answer(environ, lambda *said: head.extend(said[:2])))
            if call is None or head[0] >= "400":
                start_response(*head)
                return [body]
            self.answers[call] = (head, body)
        head, body = self.answers[call]
        start_response(*head)
        return [body]

    def answer(self, environ, start_response):
        method = environ["REQUEST_METHOD"]
        for pattern, answer in self.routes:
            match = re.fullmatch(pattern, environ["PATH_INFO"])
            if match and (answer != self.stage or method == "PATCH"):
                query = environ["QUERY_STRING"]
                status, body = answer(method, *match.groups(), query=query, body=read(environ))
                content = json.dumps(body).encode() if body is not None else b""
                headers = [
                    ("Content-Type", "application/json"),
                    ("Content-Length", str(len(content))),
                ]
                if status == 404:
                    kind = "ProvisionedConcurrencyConfigNotFoundException"
                    headers.append(
                        (
                            "x-amzn-ErrorType",
                            kind if "functions" in pattern else "NotFoundException",
                        )
                    )
                start_response(f"{status} {HTTPStatus(status).phrase}", headers)
                return [content]
        return self.moto(environ, start_response)

    def deployment(self, method, api, name, query, body):
        if method == "POST":
            name = f"d{next(self.numbers):05}"
            self.deployments[api, name] = {
                "deploymentId": name,
                "deploymentStatus": "DEPLOYED",
                "createdDate": "2026-01-01T00:00:00Z",
                "autoDeployed": False,
                **body,
            }
            return 201, self.deployments[api, name]
        found = self.deployments.get((api, name))
        if found is None:
            return 404, {"message": "no such deployment"}
        if method == "DELETE":
            # AWS refuses this too.
            if any(stage.config.get("deploymentId") == name for stage in stages(api)):
                return 400, {
                    "message": "Active stages pointing to this deployment must be moved or deleted"
                }
            del self.deployments[api, name]
            return 204, None
        found.update(body)
        return 200, found

    def stage(self, _, api, name, query, body):
        stage = next(stage for stage in stages(api) if stage.name == name)
        stage.config.update(body)
        attributes = {
            "accessLogSettings": "access_log_settings",
            "defaultRouteSettings": "default_route_settings",
            "routeSettings": "route_settings",
        }
        for key in attributes.keys() & body.keys():
            setattr(stage, attributes[key], body[key])
        return 200, stage.to_json()

    def concurrency(self, method, function, query, body):
        key = function, query
        if method == "PUT":
            wanted = body["ProvisionedConcurrentExecutions"]
            counts = ["Requested", "Available", "Allocated"]
            self.provisioned[key] = {
                f"{it}ProvisionedConcurrentExecutions": wanted for it in counts
            }
            self.provisioned[key]["Status"] = "READY"
            return 202, self.provisioned[key]
        if key not in self.provisioned:
            return 404, {"message": "none is configured"}
        if method == "DELETE":
            del self.provisioned[key]
            return 204, None
        return 200, self.provisioned[key]

    def left(self, *_, query, body):
        kinds = {
            "API": ("apigatewayv2", "apis"),
            "domain": ("apigatewayv2", "domain_names"),
            "stack": ("cloudformation", "stacks"),
            "alarm": ("cloudwatch", "alarms"),
            "dashboard": ("cloudwatch", "dashboards"),
            "table": ("dynamodb", "tables"),
            "role": ("iam", "roles"),
            "secret": ("secretsmanager", "secrets"),
            "log group": ("logs", "groups"),
            "topic": ("sns", "topics"),
        }
        left = [
            f"{kind} {name}"
            for kind, (service, attribute) in kinds.items()
            for backend in backends(service)
            for name in getattr(backend, attribute)
        ]
        for backend in backends("lambda"):
            left += [f"function {it.function_name}" for it in backend.list_functions()]
        left += [f"deployment {name}" for _, name in self.deployments]
        left += [f"provisioned concurrency of {name}" for name, _ in self.provisioned]
        return 200, left

    def keys(self, *_, query, body):
        """Resources on a key that cannot be used. A key has an ARN and an id, and AWS's own are
        called alias/aws/..."""
        usable = {
            name
            for backend in backends("kms")
            for key in backend.keys.values()
            if key.key_state == "Enabled"
            for name in [key.arn, key.id]
        }
        tables = [it for backend in backends("dynamodb") for it in backend.tables.values()]
        on = [
            (f"table {it.name}", it.sse_specification["KMSMasterKeyId"])
            for it in tables
            if encrypted(it)
        ]
        on += [
            (f"secret {it.name}", it.kms_key_id)
            for backend in backends("secretsmanager")
            for it in backend.secrets.values()
        ]
        on += [
            (f"log group {it.name}", it.kms_key_id)
            for backend in backends("logs")
            for it in backend.groups.values()
        ]
        return 200, [
            f"{what} on {key}"
            for what, key in on
            if key and "alias/aws/" not in key and key not in usable
        ]

    def secrets(self, *_, query, body):
        return 200, {
            f"{secret.name} {version}": it["secret_string"]
            for backend in backends("secretsmanager")
            for secret in backend.secrets.values()
            for version, it in secret.versions.items()
            if it.get("secret_string")
        }


def backends(service):
    from moto.backends import get_backend

    return get_backend(service)[ACCOUNT].values()


def encrypted(table):
    return (table.sse_specification or {}).get("Enabled")


def stages(api):
    from moto.apigatewayv2.models import apigatewayv2_backends

    for backend in apigatewayv2_backends[ACCOUNT].values():
        if api in backend.apis:
            yield from backend.apis[api].stages.values()


def read(environ):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return json.loads(environ["wsgi.input"].read(length) or b"{}")


def none(url, what):
    found = json.load(urllib.request.urlopen(url))
    for it in found:
        print(f"{what}: {it}", file=sys.stderr)
    return 1 if found else 0


def secret(url, seen, files):
    found = json.load(urllib.request.urlopen(f"{url}/secrets"))
    problems = [] if found else ["no secret was made"]
    seen = Path(seen)
    hashes = json.loads(seen.read_text()) if seen.exists() else {}
    hashes |= {name: hashlib.sha256(it.encode()).hexdigest() for name, it in found.items()}
    seen.write_text(json.dumps(hashes))
    if len(set(hashes.values())) < len(hashes):
        problems.append(f"two secrets are the same: one can be guessed, {sorted(hashes)}")
    for it in found.values():
        # The form that both functions accept: 32 bytes or more, with nothing around them.
        if not re.fullmatch(r"[0-9a-f]{64}", it):
            problems.append("a secret is not 64 hexadecimal digits")
        problems += [f"{path} holds a secret" for path in files if it in Path(path).read_text()]
    for it in problems:
        print(it, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1] == "--left":
        sys.exit(none(f"{sys.argv[2]}/left", "left behind"))
    if sys.argv[1] == "--keys":
        sys.exit(none(f"{sys.argv[2]}/keys", "on a key that cannot be used"))
    if sys.argv[1] == "--secret":
        sys.exit(secret(*sys.argv[2:4], sys.argv[4:]))
    serve(int(sys.argv[1]))
