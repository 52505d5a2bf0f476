"""The wire between a till and the server: it loses, doubles, delays, reorders and cuts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import httpx

Tell = Callable[[str, str], None]


class Server(Protocol):
    """Where requests arrive."""

    @property
    def up(self) -> bool:
        """Whether anybody answers."""
        ...

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        """Handle a request; ``None``: the server died over it."""
        ...


@dataclass
class Weather:
    """How likely each mishap is, for one seed."""

    lose: float = 0.0
    lose_answer: float = 0.0
    delay: float = 0.0
    double: float = 0.0
    cut: float = 0.0
    stale: float = 0.0


@dataclass
class Network:
    """One world's wires.

    Attributes:
        cut_off: Tills without a line.
        flying: Requests that are still on their way; they arrive in any order.
        lost: Messages that never arrived; and so on.
    """

    server: Server
    rng: Random
    weather: Weather
    tell: Tell
    cut_off: set[str] = field(default_factory=set)
    flying: list[tuple[str, httpx.Request]] = field(default_factory=list)
    answers: dict[tuple[str, str], httpx.Response] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    delayed: int = 0

    def transport(self, till: str) -> httpx.MockTransport:
        """The wire of one till."""
        return httpx.MockTransport(lambda request: self._send(till, request))

    def heal(self) -> None:
        """From now on everything arrives, once and whole."""
        self.weather = Weather()
        self.cut_off.clear()

    def deliver(self) -> None:
        """One of the late requests arrives; nobody waits for its answer any more."""
        till, request = self.flying.pop(self.rng.randrange(len(self.flying)))
        self.tell("network", f"{till}'s {_name(request)} arrives late")
        if self.server.up:
            self.server.answer(request)

    def _send(self, till: str, request: httpx.Request) -> httpx.Response:
        request.read()
        weather, rng = self.weather, self.rng
        if till in self.cut_off or not self.server.up:
            raise httpx.ConnectError("no route", request=request)
        if rng.random() < weather.lose:
            self._lose(till, request, "is lost")
        if rng.random() < weather.delay:
            self.flying.append((till, request))
            self.delayed += 1
            self.tell("network", f"{till}'s {_name(request)} is delayed")
            raise httpx.ReadTimeout("no answer yet", request=request)
        if rng.random() < weather.double:
            self.flying.append((till, request))
            self.doubled += 1
            self.tell("network", f"{till}'s {_name(request)} is doubled")
        key = (till, f"{request.method} {request.url}")
        if key in self.answers and rng.random() < weather.stale:
            self.tell("network", f"{till}'s {_name(request)} is answered from a cache")
            return self._copy(self.answers[key])
        return self._answered(till, request, key)

    def _answered(self, till: str, request: httpx.Request, key: tuple[str, str]) -> httpx.Response:
        weather, rng = self.weather, self.rng
        sent = request
        if request.content and rng.random() < weather.cut:
            self.tell("network", f"{till}'s {_name(request)} is cut on its way")
            part = request.content[: rng.randrange(len(request.content))]
            headers = {k: v for k, v in request.headers.items() if k != "content-length"}
            sent = httpx.Request(request.method, request.url, headers=headers, content=part)
        answer = self.server.answer(sent)
        if answer is None:
            raise httpx.ReadError("the line went dead", request=request)
        self.answers[key] = answer
        if rng.random() < weather.lose_answer:
            self._lose(till, request, "arrives, its answer is lost")
        if answer.content and rng.random() < weather.cut:
            self.tell("network", f"the answer to {till}'s {_name(request)} is cut")
            return self._copy(answer, answer.content[: rng.randrange(len(answer.content))])
        return self._copy(answer)

    def _copy(self, answer: httpx.Response, content: bytes | None = None) -> httpx.Response:
        body = answer.content if content is None else content
        return httpx.Response(answer.status_code, content=body)

    def _lose(self, till: str, request: httpx.Request, how: str) -> None:
        self.lost += 1
        self.tell("network", f"{till}'s {_name(request)} {how}")
        raise httpx.ReadTimeout("no answer", request=request)


def _name(request: httpx.Request) -> str:
    return "push" if request.method == "POST" else "pull"
