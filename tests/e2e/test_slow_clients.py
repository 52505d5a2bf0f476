"""Clients that never finish what they say, at the real server: others are served meanwhile."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from pos.demo.backoffice import BackOffice, free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]
SLOW = 200
"""More than the 16 threads of the two workers."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackOffice]:
    folder: Path = tmp_path_factory.mktemp("slow")
    made = BackOffice(folder, free_port(), "none")
    made.command("server", "init", "--site", "s", "--venue", "v")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /login HTTP/1.1\r\nHost: x\r\nX-a: ",
        b"POST /api/v1/terminals/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{",
    ],
    ids=["nothing", "half a header", "half a body"],
)
def test_others_are_served_while_many_never_finish(office: BackOffice, said: bytes) -> None:
    port = int(office.url.rsplit(":", 1)[1])
    with ExitStack() as stack:
        for _ in range(SLOW):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            if said:
                slow.sendall(said)
        time.sleep(6)
        answer = httpx.get(f"{office.url}/livez", timeout=60)
        assert answer.status_code == 200
