"""``/docs``: the OpenAPI document as a page of this machine, without anybody's script."""

from typing import Any

from apiflask import APIBlueprint
from flask import current_app, render_template

from server.access import public

blueprint = APIBlueprint("docs", __name__, enable_openapi=False)


@blueprint.get("/docs")
@public
def page() -> str:
    """Every operation with its parameters, bodies and answers; ``/openapi.json`` has them all."""
    spec: dict[str, Any] = current_app.spec  # type: ignore[attr-defined]  # APIFlask's
    return render_template("api_docs.html", spec=spec, name_of=_schema_name)


def _schema_name(content: dict[str, Any] | None) -> str:
    """The name of the schema of a request or response body."""
    for media in (content or {}).values():
        reference = str(media.get("schema", {}).get("$ref", ""))
        return reference.rsplit("/", 1)[-1]
    return ""
