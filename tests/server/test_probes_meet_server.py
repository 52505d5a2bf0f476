"""Temperatures that are carried from a wire to the server: late, twice, refused, never lost."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from devices import probe_carrier
from devices.probe_carrier import LONGEST_WAIT_S, Carrier, Troubles
from devices.probe_simulator import ProbeSimulator
from devices.probe_spool import FILE, ProbeSpool
from devices.probes import ProbeReading
from kitchen import cabinet
from kitchen.cabinet import CabinetReading, CabinetValues
from server import api_tokens
from server.actor import Actor
from server.auth import User
from tests.server.conftest import TestSite

URL = "http://canteen.local"


class Wire(httpx.BaseTransport):
    """The real server, with a network before it that breaks."""

    def __init__(self, app: APIFlask) -> None:
        self._server = httpx.WSGITransport(app=app)
        self.weather: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.posts = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.posts += 1
        return self.weather(request) or self._server.handle_request(request)

    def deaf(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host", request=request)

    def swallows_answers(self, request: httpx.Request) -> httpx.Response:
        self._server.handle_request(request).read()
        raise httpx.ReadTimeout("no answer", request=request)


class Box:
    """What stands beside the refrigerators."""

    def __init__(self, folder: Path, wire: Wire, clock: ManualClock, token: str) -> None:
        self.said: list[str] = []
        self.clock = clock
        self.spool = ProbeSpool(folder / FILE)
        troubles = Troubles(lambda _level, text: self.said.append(text))
        client = httpx.Client(transport=wire)
        self.carrier = Carrier(URL, token, self.spool, clock, 60, troubles, client)

    def measure(self, tenths: int, probe: str = "T1") -> datetime:
        self.clock.advance(60)
        self.carrier.take(ProbeReading(probe, tenths))
        return self.clock.now()

    def waiting(self) -> int:
        return len(self.spool.waiting(10_000))


@pytest.fixture
def token(engine: Engine, actor: Actor, site: TestSite, make_user: Callable[..., User]) -> str:
    user = make_user("probes", "cook")
    with db.writing(engine) as session:
        for number in (1, 2):
            values = CabinetValues(venue_id=site.venue_id, name=f"柜{number}", probe=f"T{number}")
            cabinet.create(session, actor, values)
        return api_tokens.make(session, actor, user, "probes", 30)


@pytest.fixture
def wire(app: APIFlask) -> Wire:
    return Wire(app)


@pytest.fixture
def box(tmp_path: Path, wire: Wire, clock: ManualClock, token: str) -> Iterator[Box]:
    made = Box(tmp_path, wire, clock, token)
    yield made
    made.spool.close()


def kept(engine: Engine) -> list[tuple[datetime, int]]:
    with db.reading(engine) as session:
        query = select(CabinetReading.at, CabinetReading.tenths).order_by(CabinetReading.at)
        return [(at, tenths) for at, tenths in session.execute(query)]


def test_what_was_measured_while_the_server_was_away_arrives_in_order_at_its_own_time(
    engine: Engine, box: Box, wire: Wire
) -> None:
    wire.weather = wire.deaf
    measured = []
    for tenths in (41, 42, 95):
        measured.append((box.measure(tenths), tenths))
        assert box.carrier.deliver() == 0
    waits = box.carrier.wait_s
    assert box.waiting() == 3
    assert waits == 8
    wire.weather = lambda _: httpx.Response(503, text="starting")
    box.carrier.deliver()
    wire.weather = lambda _: httpx.Response(200, text="<html>please sign in to this wireless net")
    box.carrier.deliver()
    assert box.waiting() == 3
    wire.weather = wire.swallows_answers
    assert box.carrier.deliver() == 0
    for _ in range(10):
        assert box.carrier.wait_s <= LONGEST_WAIT_S
        box.carrier.deliver()
    wire.weather = lambda _: None
    assert box.carrier.deliver() == 3
    assert kept(engine) == measured
    assert (box.waiting(), box.carrier.wait_s) == (0, 0)
    assert box.said[-1] == "server: works"
    assert len([text for text in box.said if "no route" in text]) == 1


def test_what_the_server_refuses_holds_nothing_up_and_a_token_that_ended_loses_nothing(
    engine: Engine, actor: Actor, box: Box, token: str
) -> None:
    first = box.measure(41)
    box.carrier.take(ProbeReading("T9", 50))
    assert box.carrier.deliver() == 2
    box.measure(42, "T9")
    box.carrier.deliver()
    assert [text for text in box.said if "T9" in text] == [
        "probe T9: no cabinet in use has the probe T9: enter it at the cabinet"
    ]
    box.spool.put(ProbeReading("T1", 9999), box.clock.now())  # no server would take it
    second = box.measure(43)
    box.carrier.deliver()
    assert kept(engine) == [(first, 41), (second, 43)]
    with db.writing(engine) as session:
        user, _ = api_tokens.owner(session, token, actor.at) or pytest.fail("no token")
        api_tokens.revoke_all(session, actor, user)
    box.measure(44)
    assert box.carrier.deliver() == 0
    assert "the token is not good" in box.said[-1]
    assert box.waiting() == 1


def test_a_probe_that_speaks_all_the_time_is_kept_once_a_minute_and_a_long_night_goes_in_parts(
    engine: Engine, box: Box, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_carrier, "BATCH", 8)
    at = box.measure(41)
    for _ in range(50):
        box.carrier.take(ProbeReading("T1", 99))
    assert box.waiting() == 1
    box.clock.jump(-3600)  # the time service sets the clock; the minute is a minute all the same
    box.carrier.take(ProbeReading("T1", 42))
    assert box.waiting() == 1
    box.clock.jump(3600)
    for tenths in range(40, 48):
        box.measure(tenths)
    assert box.carrier.deliver() == 9
    assert wire.posts == 2
    assert kept(engine)[0] == (at, 41)


@pytest.mark.process
def test_a_box_that_is_killed_has_what_it_measured_on_its_disk(
    engine: Engine, actor: Actor, tmp_path: Path, wire: Wire, clock: ManualClock, token: str
) -> None:
    (tmp_path / "token").write_text(token)
    (tmp_path / "dafan.toml").write_text(
        f"""
        data_dir = "{tmp_path}/box"
        [probes]
        server_url = "http://127.0.0.1:9"
        token_file = "{tmp_path}/token"
        [[probes.serial]]
        device = "{tmp_path}/line"
        """
    )
    environment = {n: v for n, v in os.environ.items() if not n.startswith("DAFAN_")}
    environment["DAFAN_CONFIG"] = str(tmp_path / "dafan.toml")
    with ProbeSimulator(tmp_path / "line", {"T1": 41, "T2": -180}, every_s=0.05):
        box = subprocess.Popen(
            [sys.executable, "-m", "dafan", "devices", "probes"], env=environment
        )
        try:
            spool = ProbeSpool(tmp_path / "box" / FILE)
            until = time.monotonic() + 60
            while len(spool.waiting(9)) < 2 and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            box.kill()
            box.wait()
    rows = spool.waiting(9)
    assert sorted(row.probe for row in rows) == ["T1", "T2"]
    with db.writing(engine) as session:
        user, _ = api_tokens.owner(session, token, clock.at) or pytest.fail("no token")
        clock.at = datetime.fromisoformat(rows[-1].at)
        now = Actor(actor.site_id, actor.name, clock.at)
        token = api_tokens.make(session, now, user, "2", 9)
    carrier = Carrier(URL, token, spool, clock, 60, Troubles(), httpx.Client(transport=wire))
    stop = threading.Event()
    running = threading.Thread(target=carrier.run, args=(stop,))
    running.start()
    while spool.waiting(9) and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    running.join()
    spool.close()
    assert [at for at, _ in kept(engine)] == [datetime.fromisoformat(row.at) for row in rows]
