"""What every answer tells the browser to forbid: scripts of others, frames, sniffing, caches.

Set once for every route; a view that needs something else (a file that may be cached) says so
itself, and is not overruled.
"""

from flask import Flask, Response, current_app, request

from server.services import services

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere. Drawings in style sheets are ``data:`` pictures."""
_TABLET = "/kitchen/"
"""Pages that have a camera and devices beside them."""
HSTS = "max-age=31536000"
"""For a year the browser asks this host by TLS only; sent where TLS is in front."""
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), "
        "display-capture=(), browsing-topics=()"
    ),
    "Cache-Control": "no-store",
}


def init_app(app: Flask) -> None:
    """Add the headers to every answer, those of errors and redirections as well."""
    app.after_request(harden)


def harden(response: Response) -> Response:
    """Forbid what no page of ours needs.

    Only the kitchen's pages ask the devices beside their tablet, and its camera.
    """
    if request.path.startswith(_TABLET):
        seeing = _ALWAYS["Permissions-Policy"].replace("camera=()", "camera=(self)")
        response.headers.setdefault("Permissions-Policy", seeing)
        if devices := services().settings.tablet.devices_url:
            asks = f"{POLICY}; connect-src 'self' {devices}"
            response.headers.setdefault("Content-Security-Policy", asks)
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    return response


def cookie_name(name: str, *, https: bool) -> str:
    """With TLS the browser itself holds a cookie of this prefix to this host, this path and TLS."""
    return f"__Host-{name}" if https else name
