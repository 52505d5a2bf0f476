"""Completes the OpenAPI document with what every operation has in common.

How to sign in, what the gate and the framework may answer before a view is reached, and the one
form of all errors. ``tests/security/test_api_fuzz.py`` holds the server to this document.
"""

import re
from typing import Any

from apiflask import APIFlask
from werkzeug.routing import Rule

from server import access, gate

_PROBLEM = "Problem"
_UUID = {"type": "string", "format": "uuid"}
_SCHEMES = {
    "person": {"type": "http", "scheme": "basic", "description": "Login, and password or token"},
    "token": {"type": "http", "scheme": "bearer", "description": "An API token of a person"},
    "terminal": {
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "Signed by the terminal's own key (EdDSA), valid for a minute",
    },
}  # fmt: skip
_OF_TERMINALS = frozenset({"sync.push_journal", "sync.pull_feed", "evidence.put_evidence"})
_METHODS = frozenset({"get", "post", "put", "delete", "patch"})
_ARGUMENT = re.compile(r"<(\w+:)?(\w+)>")
_BUSY = {503: "The database is busy or full: nothing was changed; `in_doubt`: perhaps it was"}
_OF_PEOPLE = {
    401: "Sign in by HTTP Basic or with a token",
    403: "Your role may not do this",
    429: "Too many wrong passwords lately",
}
_OF_BODIES = {400: "Not as described", 413: "Too large"}


def init_app(app: APIFlask) -> None:
    """Complete the document when it is made: once, so that it must not name a caller's Host."""
    app.config["AUTO_SERVERS"] = False
    app.servers = [{"url": "/"}]

    @app.spec_processor
    def complete(spec: Any) -> Any:
        spec["paths"] = {
            path: operations
            for path, operations in spec["paths"].items()
            if path.startswith("/api/")
        }
        for rule in app.url_map.iter_rules():
            operations = spec["paths"].get(_ARGUMENT.sub(r"{\2}", rule.rule), {})
            for method in _METHODS & operations.keys():
                if method.upper() in (rule.methods or ()):
                    _complete(app, rule, method, operations[method])
        _describe_errors(spec)
        return spec


def _complete(app: APIFlask, rule: Rule, method: str, operation: dict[str, Any]) -> None:
    _name_uuids(rule, operation)
    need = gate.needed(app, rule.endpoint)
    answers = dict(_BUSY)
    if need not in {access.MACHINE, access.PUBLIC}:
        operation["security"] = [{"person": []}, {"token": []}]
        operation.setdefault("parameters", []).append(
            {
                "in": "header", "name": gate.SITE_HEADER, "required": False, "schema": dict(_UUID),
                "description": "The site to work at, where it is not the account's own",
            }
        )  # fmt: skip
        answers |= _OF_PEOPLE
        if method != "get":
            answers |= {400: "Signed in by cookie, and without the token of a form"}
    elif rule.endpoint in _OF_TERMINALS:
        operation["security"] = [{"terminal": []}]
    else:
        operation["security"] = []
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
        answers |= _OF_BODIES
    if rule.arguments:
        answers |= {404: "There is none"}
    for status, text in answers.items():
        operation["responses"].setdefault(str(status), {"description": text})


def _name_uuids(rule: Rule, operation: dict[str, Any]) -> None:
    uuids = {name for kind, name in _ARGUMENT.findall(rule.rule) if kind == "uuid:"}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] in uuids:
            parameter["schema"] = dict(_UUID)


def _describe_errors(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    for unused in ("ValidationError", "HTTPError"):
        schemas.pop(unused, None)
    text = {"type": "string", "minLength": 1}
    schemas[_PROBLEM] = {
        "type": "object",
        "description": "What went wrong: a stable code for programs, a text for people",
        "properties": {"code": text, "message": text},
        "required": ["code", "message"],
    }
    spec["components"]["securitySchemes"] = _SCHEMES
    spec["tags"] = [{"name": name} for name in dict.fromkeys(tag["name"] for tag in spec["tags"])]
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}}
    for operations in spec["paths"].values():
        for method in _METHODS & operations.keys():
            for status, answer in operations[method]["responses"].items():
                if int(status) >= 400:
                    answer["content"] = content
                elif status == "204":
                    answer.pop("content", None)
