"""``/docs``: the OpenAPI document as a page of this machine, without anybody else's script."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import current_app, render_template
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from server.access import public

METHODS = ("get", "post", "put", "patch", "delete")
PREFIX = "/api/v1"
"""Left out where operations are listed: all have it."""
WORDS: Mapping[str, LazyString] = {
    "Sync": _l("同步"),
    "Terminals": _l("终端"),
    "People": _l("人员"),
    "Faces": _l("人脸"),
    "Dishes": _l("菜品"),
    "Payments": _l("支付"),
    "Kitchen": _l("后厨"),
    "Kitchen cameras": _l("厨房摄像头"),
}
"""What people call each tag."""

blueprint = APIBlueprint("docs", __name__, enable_openapi=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the document describes it."""

    method: str
    path: str
    said: Mapping[str, Any]

    @property
    def short(self) -> str:
        """The path as the index shows it."""
        return self.path.removeprefix(PREFIX)

    @property
    def anchor(self) -> str:
        """Where it stands on the page; it stays the same when operations are added."""
        return f"{self.method}{re.sub(r'[^a-z_]+', '-', self.short)}".rstrip("-")


@blueprint.get("/docs")
@public
def page() -> str:
    """Every operation with its parameters, bodies and answers; ``/openapi.json`` has them all."""
    spec: dict[str, Any] = current_app.spec  # type: ignore[attr-defined]  # APIFlask's
    return render_template(
        "api_docs.html", spec=spec, groups=grouped(spec), words=WORDS, prefix=PREFIX,
        name_of=_schema_name, type_of=_type_name,
    )  # fmt: skip


def grouped(spec: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Tag → its operations by path, in the order of the document's tags."""
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in spec["tags"]}
    for one in _operations(spec):
        found[one.said["tags"][0]].append(one)
    for those in found.values():
        those.sort(key=lambda one: (one.path, METHODS.index(one.method)))
    return found


def _operations(spec: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in spec["paths"].items():
        for method, said in methods.items():
            if method in METHODS:
                yield Operation(method, path, said)


def _type_name(schema: Mapping[str, Any]) -> str:
    """The type of a parameter; of one that may be left empty, its types beside each other."""
    one_of = schema.get("anyOf", [schema])
    names = (each.get("type") or str(each.get("$ref", "")).rsplit("/", 1)[-1] for each in one_of)
    return " | ".join(names)


def _schema_name(content: dict[str, Any] | None) -> str:
    """The name of the schema of a request or response body."""
    for media in (content or {}).values():
        reference = str(media.get("schema", {}).get("$ref", ""))
        return reference.rsplit("/", 1)[-1]
    return ""
