"""What the page needs of a till, and the broadcast that carries its views to every screen."""

import threading
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from pos.place_view import PlacePicture
from pos.view import View

V = TypeVar("V")


class TillPort(Protocol):
    """A till, as its page sees it."""

    def view(self) -> View:
        """What the screen shows now."""
        ...

    def subscribe(self) -> Iterator[View | None]:
        """The view now, then every change; None at least every few seconds without one.

        The iterator ends when the till stops. It never holds more than the newest view.
        """
        ...

    def press(self, action: str, **params: str) -> None:
        """Take in what a person did; returns at once. The actions stand in ``pos.view``."""
        ...

    def jpeg(self) -> bytes | None:
        """The newest camera picture as JPEG; None while there is none to show."""
        ...

    def payer_jpeg(self) -> bytes | None:
        """The face that is about to pay, as JPEG; None while no face is."""
        ...

    def place_picture(self) -> PlacePicture | None:
        """The camera's whole picture and its faces; None unless the staff is looking at it."""
        ...


class Broadcast(Generic[V]):
    """The newest view, for any number of waiting screens; a slow screen skips, it never lags."""

    def __init__(self, first: V, heartbeat_s: float = 5.0) -> None:
        self._view = first
        self._heartbeat_s = heartbeat_s
        self._number = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def view(self) -> V:
        """The newest view."""
        return self._view

    def publish(self, view: V) -> None:
        """Show this from now on; an equal view wakes nobody."""
        with self._changed:
            if view == self._view:
                return
            self._view = view
            self._number += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End every subscription."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def subscribe(self) -> Iterator[V | None]:
        """As :meth:`TillPort.subscribe`."""
        seen = -1
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda seen=seen: self._closed or self._number != seen,  # type: ignore[misc]
                    self._heartbeat_s,
                )
                if self._closed:
                    return
                view = self._view if self._number != seen else None
                seen = self._number
            yield view
