"""What makes the phone's pages an application: manifest, service worker, large type."""

from flask import Response, current_app, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from server.access import public
from server.pages.me.blueprint import LARGE_COOKIE, me

YEAR_S = 365 * 86400


@me.get("/manifest.webmanifest")
@public
def manifest() -> Response:
    """How the phone shows the application among the others."""
    icon = {"src": url_for("static", filename="mark.svg"), "sizes": "any", "type": "image/svg+xml"}
    answer = jsonify(
        name=_("我的食堂"), short_name=_("食堂"), start_url=url_for("me.home"), scope="/me/",
        id="/me/", display="standalone", background_color="#FAF7F2", theme_color="#FAF7F2",
        icons=[icon],
    )  # fmt: skip
    answer.mimetype = "application/manifest+json"
    return answer


@me.get("/sw.js")
@public
def service_worker() -> Response:
    """The script that keeps the last seen pages; its address makes ``/me/`` its realm."""
    return current_app.send_static_file("kept-sw.js")


@me.get("/offline")
@public
def offline() -> str:
    """What is shown in place of a page that this phone has never seen, without a network."""
    return render_template("me/offline.html")


@me.post("/large")
@public
def large() -> AnyResponse:
    """Larger type, until it is switched off again."""
    tab = request.form.get("back", "")
    answer = redirect(url_for("me.mine" if tab == "mine" else "me.login"))
    if "on" in request.form:
        answer.set_cookie(
            LARGE_COOKIE, "1", max_age=YEAR_S, httponly=True, samesite="Lax",
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        )  # fmt: skip
    else:
        answer.delete_cookie(LARGE_COOKIE)
    return answer
