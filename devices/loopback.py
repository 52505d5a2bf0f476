"""A small HTTP server of this machine's own, for its own screen."""

import socket
import threading

import waitress
from flask import Flask
from waitress import wasyncore

from dafan.errors import ConfigError

THREADS = 8
"""Every open page may hold one for its events; pictures and presses need the others."""


class LoopbackServer:
    """Waitress in a thread of its own.

    Args:
        app: What is served.
        listening: Bound already; :attr:`port` says where.
        name: Of the thread.
        threads: That answer.
    """

    def __init__(
        self, app: Flask, listening: socket.socket, name: str, threads: int = THREADS
    ) -> None:
        self._listening = listening
        self._server = waitress.create_server(app, sockets=[listening], threads=threads, ident=None)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self.port = int(listening.getsockname()[1])

    def _run(self) -> None:
        # Waitress' own loop ends with the process only; this one ends when it is told to.
        while not self._stopping.is_set():
            wasyncore.loop(timeout=0.5, map=self._server._map, count=1)  # noqa: SLF001 - as its run()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._server._map)  # noqa: SLF001 - as its run()

    def stop(self) -> None:
        """Stop serving; end long answers first, or their threads linger for seconds."""
        self._stopping.set()
        self._thread.join()
        self._listening.close()


def serve(app: Flask, host: str, port: int, name: str, threads: int = THREADS) -> LoopbackServer:
    """Serve in a thread; returns once the port is bound.

    Args:
        app: What is served.
        host: Address: loopback, unless the settings say otherwise.
        port: TCP port; 0 lets the system choose, :attr:`LoopbackServer.port` says which.
        name: The section of the settings that holds the port: ``till``, ``tablet``.
        threads: That answer; every open page holds one.

    Raises:
        ConfigError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error.strerror or error}): "
            f"end the program that holds the port, or set {name}.port"
        ) from error
    return LoopbackServer(app, listening, name, threads)
