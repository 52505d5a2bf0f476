"""Single sign-on by OpenID Connect: the authorisation code flow with PKCE, state and nonce.

The provider says who somebody is, and nothing else: the account must be here already, and what it
may do is said by the table of rights here. How strongly the person proved himself is the provider's
concern; ``oidc.acr`` asks for a strength by name.
"""

import logging
from typing import Any, cast

from flask import current_app
from werkzeug.wrappers import Response

from dafan.config import OidcSettings, first_line
from dafan.db import reading
from dafan.errors import DafanError
from server import auth
from server.auth import User
from server.services import services

log = logging.getLogger(__name__)

TIMEOUT_S = 10
LEEWAY_S = 60
_KEPT = "dafan_sign_on"
_NAME = "provider"


class SignOnError(DafanError):
    """The provider did not answer, or its answer is not to be believed."""

    code = "sign_on"


class NoAccountError(DafanError):
    """The provider knows the person, but there is no account for him here."""

    code = "sign_on_unknown"


def label() -> str:
    """The text of the button; empty where there is no single sign-on."""
    settings = services().settings.oidc
    return settings.label if settings.issuer else ""


def begin(come_back: str) -> Response:
    """Send the browser to the provider.

    Args:
        come_back: Our address to which the provider sends it back.

    Raises:
        SignOnError: there is no single sign-on, or the provider does not answer.
    """
    settings = _settings()
    more = {"acr_values": settings.acr} if settings.acr else {}
    try:
        return cast("Response", _client(settings).authorize_redirect(come_back, **more))
    except _failures() as error:
        raise _refused(error) from error


def finish() -> User:
    """The account of the person with whom the provider sends the browser back.

    Raises:
        SignOnError: the answer is not for us, not of this sign-in, too old or forged.
        NoAccountError: there is no such account, or it is closed.
    """
    login = claimed(_settings().claim)
    with reading(services().engine) as session:
        user = auth.find_user(session, login)
    if user is None or not user.active:
        raise NoAccountError("there is no account here for the person who signed in")
    return user


def staff_number() -> str:
    """The staff number of the diner with whom the provider sends the browser back.

    Raises:
        SignOnError: as :func:`finish`.
    """
    settings = _settings()
    return claimed(settings.diner_claim or settings.claim)


def claimed(claim: str) -> str:
    """What the provider's answer says under a name, once the answer was believed.

    Raises:
        SignOnError: the answer is not for us, not of this sign-in, too old or forged.
    """
    settings = _settings()
    wanted: dict[str, dict[str, Any]] = {
        "iss": {"essential": True, "value": settings.issuer},
        "aud": {"essential": True, "value": settings.client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "nonce": {"essential": True},
    }
    if settings.acr:
        wanted["acr"] = {"essential": True, "value": settings.acr}
    try:
        answer = _client(settings).authorize_access_token(claims_options=wanted, leeway=LEEWAY_S)
        return str(answer["userinfo"][claim])
    except _failures() as error:
        raise _refused(error) from error


def _settings() -> OidcSettings:
    settings = services().settings.oidc
    if not settings.issuer:
        raise SignOnError("this server has no single sign-on")
    return settings


def _client(settings: OidcSettings) -> Any:
    """The provider as Authlib knows it; its description and keys are read once a process."""
    known = current_app.extensions.get(_KEPT)
    if known is None or known[0] != settings:
        from authlib.integrations.flask_client import OAuth  # noqa: PLC0415 - few sites have it

        oauth = OAuth(current_app)
        client = oauth.register(
            _NAME,
            overwrite=True,
            client_id=settings.client_id,
            client_secret=_secret(settings),
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
            },
        )
        known = current_app.extensions[_KEPT] = (settings, client)
    return known[1]


def _failures() -> tuple[type[Exception], ...]:
    """What comes of a provider that is away, or whose answer is not to be believed."""
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - few sites have it
    from joserfc.errors import JoseError  # noqa: PLC0415 - as above
    from requests import RequestException  # noqa: PLC0415 - as above

    return AuthlibBaseError, JoseError, RequestException, RuntimeError, ValueError, KeyError


def _secret(settings: OidcSettings) -> str | None:
    """``None`` where the provider knows us without one."""
    file = settings.client_secret_file
    return first_line(file, "oidc.client_secret_file", "the client secret") if file else None


def _refused(error: Exception) -> SignOnError:
    log.warning("single sign-on failed: %s", type(error).__name__)
    return SignOnError("the single sign-on did not succeed")
