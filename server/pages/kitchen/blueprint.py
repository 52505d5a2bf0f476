"""The blueprint of the tablet's pages."""

from flask import Blueprint

kitchen = Blueprint("kitchen", __name__, url_prefix="/kitchen")
