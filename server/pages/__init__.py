"""What people see of the server: pages rendered by Jinja, with small ES modules and no build step.

:func:`register_pages` adds all of it to the application.
"""

from flask import Flask

from server.pages import layout, own_account, second_factor
from server.pages.board import blueprint as board
from server.pages.kitchen import kitchen
from server.pages.manage import manage
from server.pages.me import me
from server.pages.session import blueprint

__all__ = ["own_account", "register_pages", "second_factor"]


def register_pages(app: Flask) -> None:
    """Add the pages, their language, their filters and their style sheets to the application.

    Login, CSRF protection and the database are the application's own; see :mod:`server.app`.
    """
    layout.init_app(app)
    app.register_blueprint(blueprint)
    app.register_blueprint(manage)
    app.register_blueprint(kitchen)
    app.register_blueprint(board)
    app.register_blueprint(me)
