"""Names of the kitchen's people on its own pages: colleagues know each other."""

import re

from flask import g
from flask_babel import gettext as _
from sqlalchemy import select

from kitchen.staff import Worker
from server import auth, kitchen_day
from server.pages.kitchen.blueprint import kitchen
from server.pages.shared import reading, site_id

_ENGLISH = re.compile("elsewhere house rule|house rule|confirm the clause")


@kitchen.app_template_filter("worker")
def name_of(login: str | None) -> str:
    """``wang.l`` or ``worker:<id>`` → the name of the person; that of another program stays."""
    if "kitchen_names" not in g:
        with reading() as session:
            users = auth.users(session, site_id())
            names = {kitchen_day.PROGRAM: _("系统自动")}
            names |= {user.login: user.name or user.login for user in users}
            for worker in session.scalars(select(Worker).where(Worker.site_id == site_id())):
                names[worker.journal_name] = worker.name
            g.kitchen_names = names
    return str(g.kitchen_names.get(login or "", login or ""))


@kitchen.app_template_filter("clause")
def clause_of(source: str) -> str:
    """The source of an act in one language: what the template says in English is translated."""
    words = {
        "house rule": _("本单位规定"),
        "elsewhere house rule": _("其他单位按本单位规定"),
        "confirm the clause": _("条款待核"),
    }
    return _ENGLISH.sub(lambda found: words[found.group()], source).replace("; ", "；")
