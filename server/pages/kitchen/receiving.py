"""收货."""

from flask import render_template

from server.access import needs
from server.pages.kitchen.blueprint import kitchen


@kitchen.get("/receiving")
@needs("see_kitchen")
def receiving() -> str:
    """收货."""
    return render_template("kitchen/receiving.html")
