"""How a watching box speaks with the server: as a program, with a token; patient and repeatable."""

import base64
import logging
from typing import Any

import httpx

from dafan.errors import DafanError
from kitchen.watch_spool import Spool

log = logging.getLogger(__name__)

SHORTEST_WAIT_S, LONGEST_WAIT_S = 2.0, 120.0


class NotReachedError(DafanError):
    """The server cannot be asked now."""

    code = "server_away"


class Reporter:
    """Delivers what a spool holds.

    Args:
        url: Of the server.
        token: Of an account that may work in the kitchen (``server.api_tokens``).
        spool: What is to be delivered.
        client: For tests.
    """

    def __init__(
        self, url: str, token: str, spool: Spool, client: httpx.Client | None = None
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v1"
        self._spool = spool
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = client or httpx.Client(timeout=httpx.Timeout(10, read=30))
        self.wait_s = 0.0
        """How long to wait before the next try: 0 while the server answers."""

    def deliver(self) -> int:
        """Send what waits, the oldest first, until the server is away; tells how many went."""
        delivered = 0
        for line in self._spool.waiting():
            name = str(line["id"])
            picture = self._picture(name)
            body = {**line, "picture": picture and base64.b64encode(picture).decode()}
            body.pop("evidence", None)
            body.pop("id")
            try:
                answer = self._send("PUT", f"/incidents/{name}", json=body)
            except NotReachedError as error:
                log.warning("%s", error)
                return delivered
            if answer.is_success:
                self._spool.done(name)
                delivered += 1
            elif answer.status_code in {400, 413, 422}:
                log.error("the server refuses incident %s: %s", name, answer.text[:300])
                self._spool.refuse(name)
            else:  # the camera is not known there yet, or the token is not good: somebody mends it
                log.warning("incident %s waits: %s", name, answer.text[:300])
                self._back_off()
                return delivered
        return delivered

    def show(self, camera: str, jpeg: bytes) -> None:
        """Send a still of a camera; one that does not arrive is not missed."""
        try:
            self._send("PUT", "/camera-stills", params={"camera": camera}, content=jpeg)
        except NotReachedError as error:
            log.info("%s", error)

    def cameras(self) -> list[dict[str, Any]] | None:
        """What the server says of its cameras; ``None`` where it cannot say it now."""
        try:
            answer = self._send("GET", "/cameras")
            found = answer.json()["cameras"] if answer.is_success else None
        except (NotReachedError, ValueError, KeyError) as error:
            log.info("%s", error)
            return None
        return found if isinstance(found, list) else None

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, self._url + path, headers=self._headers, **more)
        except httpx.HTTPError as error:
            self._back_off()
            raise NotReachedError(f"the server cannot be reached: {error}") from error
        if answer.status_code >= 500:
            self._back_off()
            raise NotReachedError(f"the server answers {answer.status_code}: it is tried again")
        self.wait_s = 0.0
        return answer

    def _back_off(self) -> None:
        self.wait_s = min(max(2 * self.wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)

    def _picture(self, name: str) -> bytes | None:
        try:
            return self._spool.picture(name)
        except DafanError as error:  # the key of the box was lost: the incident still counts
            log.warning("incident %s goes without its picture: %s", name, error)
            return None
