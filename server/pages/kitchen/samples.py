"""留样."""

from flask import render_template

from server.access import needs
from server.pages.kitchen.blueprint import kitchen


@kitchen.get("/samples")
@needs("see_kitchen")
def samples() -> str:
    """留样."""
    return render_template("kitchen/samples.html")
