"""The blueprint of the manager's pages."""

from flask import Blueprint

manage = Blueprint("manage", __name__, url_prefix="/manage")
