"""What every page shares: language, filters, style sheets, headers, the frame's data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, g, has_request_context, request, send_from_directory
from flask_babel import Babel, get_locale
from flask_bootstrap import Bootstrap5
from flask_login import current_user

import dafan
from dafan.ids import new_id
from server import access, gate
from server.pages import asks, formats, navigation, site_view
from server.services import services

LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "English"}
LANGUAGE_COOKIE = "dafan_language"
_TOKENS = Path(dafan.__file__).parent / "static"


def init_app(app: Flask) -> None:
    """Set up language, Bootstrap from this machine, filters and the frame."""
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    app.config["BABEL_DEFAULT_LOCALE"] = "zh"
    Bootstrap5(app)
    Babel(app, locale_selector=language)
    app.add_url_rule("/tokens/<path:filename>", "tokens", _tokens)
    app.jinja_env.filters.update(
        yuan=formats.yuan, plain_yuan=formats.plain_yuan, weight=formats.weight,
        seconds=formats.seconds, short=formats.short, weekday=formats.weekday,
        moment=lambda at: formats.moment(at, zone()),
        clock=lambda at: formats.clock(at, zone()),
        minute=lambda at: formats.clock(at, zone(), with_seconds=False),
        person=_person, browser=formats.browser, ago=formats.ago, plain_json=formats.plain_json,
    )  # fmt: skip
    app.jinja_env.globals.update(
        share=formats.share,
        may=access.may,
        new_key=lambda: str(new_id()),
        waiting_asks=asks.waiting_count,
        tablet_devices=lambda: services().settings.tablet.devices_url,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_frame)


def language() -> str:
    """The language that the person chose; Chinese until then."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "") if has_request_context() else ""
    return chosen if chosen in LANGUAGES else "zh"


def zone() -> ZoneInfo:
    """The site's time zone."""
    return site_view.current().zone


@access.public
def _tokens(filename: str) -> Response:
    return send_from_directory(_TOKENS, filename, max_age=3600)


def _person(name: str) -> str:
    return name if access.may("see_names") else formats.masked(name)


def _frame() -> dict[str, Any]:
    signed_in = has_request_context() and current_user.is_authenticated
    return {
        "lang": "zh-CN" if str(get_locale()).startswith("zh") else "en",
        "languages": LANGUAGES,
        "menu": navigation.menu() if signed_in and not gate.first_duty() else [],
        "site": site_view.current() if signed_in else None,
        "other_sites": site_view.others() if signed_in else (),
        "person": g.get("person"),
    }
