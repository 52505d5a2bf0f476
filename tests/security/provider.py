"""A small OpenID provider on loopback that says yes to everybody, and lies when it is told to."""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "dafan", "the provider's secret"


@dataclass
class Provider:
    """What it says.

    Attributes:
        claims: Put into the next identity tokens; ``None`` leaves a claim out.
        signed_by: The key of the next tokens, where it is not the published one.
        asked: What the authorisation endpoint was asked last.
    """

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    claims: dict[str, Any] = field(default_factory=dict)
    signed_by: RSAKey | None = None
    algorithm: str = "RS256"
    asked: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Flask:
        """Its four addresses."""
        app = Flask("provider")
        app.get("/.well-known/openid-configuration")(self.describe)
        app.get("/keys")(lambda: {"keys": [self.key.as_dict(private=False)]})
        app.get("/authorize")(self.authorize)
        app.post("/token")(self.token)
        return app

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self) -> Any:
        self.asked = request.args.to_dict()
        code = f"code-{len(self.codes)}"
        self.codes[code] = self.asked
        back = f"{self.asked['redirect_uri']}?code={code}&state={self.asked['state']}"
        return redirect(back)

    def token(self) -> Response | tuple[Response, int]:
        given = request.authorization
        told = self.codes.pop(request.form["code"], None)
        verifier = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        proved = given is not None and (given.username, given.password) == (CLIENT, SECRET)
        if told is None or not proved or told["code_challenge"] != challenge:
            return jsonify(error="invalid_grant"), 400
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 300,
            "nonce": told["nonce"], "preferred_username": "boss",
        }  # fmt: skip
        claims = {k: v for k, v in {**claims, **self.claims}.items() if v is not None}
        key = self.signed_by or self.key
        signed = jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, key)
        return jsonify(access_token="a", token_type="Bearer", id_token=signed, expires_in=300)


@contextmanager
def running() -> Iterator[Provider]:
    """The provider behind a real socket."""
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
