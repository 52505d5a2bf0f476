"""库存."""

from flask import render_template

from server.access import needs
from server.pages.kitchen.blueprint import kitchen


@kitchen.get("/stock")
@needs("see_kitchen")
def stock() -> str:
    """库存."""
    return render_template("kitchen/stock.html")
