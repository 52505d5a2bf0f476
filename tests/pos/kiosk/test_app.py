import http.client
import json
import socket
import threading
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.errors import ConfigError
from devices import loopback
from devices.loopback import LoopbackServer
from pos.kiosk.app import create_kiosk, wire
from pos.kiosk.port import Broadcast
from pos.view import Screen, View

OURS = {"X-Dafan": "kiosk"}


@pytest.fixture
def client(till: Any) -> FlaskClient:
    return create_kiosk(till).test_client()


def test_the_page_brings_all_it_needs_and_allows_nothing_else(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in page.text
    assert "http://" not in page.text
    for path in ("/tokens.css", "/static/kiosk.css", "/static/main.js", "/static/icon.svg"):
        assert client.get(path, buffered=True).status_code == 200, path
    assert "--jade" in client.get("/tokens.css").text


def test_the_texts_come_in_both_languages(client: FlaskClient) -> None:
    texts = client.get("/texts.json").get_json()
    assert texts["notices"]["insufficient"]["zh"][0] == "余额不足，还差 {short_fen}"
    assert set(texts["labels"]["place"]) == {"zh", "en"}


def test_a_page_under_a_foreign_name_is_refused(client: FlaskClient) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"Host": "localhost:8090"}).status_code == 200


def test_a_press_reaches_the_till(client: FlaskClient, till: Any) -> None:
    press = {"action": "add", "dish": "dish-3", "portion": "half"}
    assert client.post("/press", json=press, headers=OURS).status_code == 204
    assert till.presses == [("add", {"dish": "dish-3", "portion": "half"})]


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Dafan": "other"}, OURS | {"Origin": "http://evil.example"}, OURS | {"Origin": "null"}],
)
def test_a_press_from_another_page_is_refused(
    client: FlaskClient, till: Any, headers: dict[str, str]
) -> None:
    assert client.post("/press", json={"action": "yes"}, headers=headers).status_code == 403
    assert till.presses == []


def test_a_press_of_the_page_itself_carries_its_origin(client: FlaskClient, till: Any) -> None:
    headers = OURS | {"Origin": "http://localhost"}
    assert client.post("/press", json={"action": "yes"}, headers=headers).status_code == 204
    assert till.presses == [("yes", {})]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"action": 1}', b'{"action": "sell"}',
        b'{"action": ["add"]}', b'{"action": "add"}', b'{"action": "yes", "more": "1"}',
        b'{"action": "digits", "digits": 123456}', b'{"action": "digits", "digits": "12a4"}',
        b'{"action": "digits", "digits": "\xd9\xa1\xd9\xa2"}',
        b'{"action": "way", "way": "cheque"}', b'{"action": "card", "number": "12 34"}',
        b'{"action": "card", "number": "' + b"9" * 600 + b'"}', b"1" * 5000, b"[" * 4000,
    ],
)  # fmt: skip
def test_a_press_that_is_none_changes_nothing(client: FlaskClient, till: Any, body: bytes) -> None:
    answer = client.post("/press", data=body, headers=OURS, content_type="application/json")
    assert answer.status_code in {400, 413}
    assert answer.get_json()["error"]
    assert till.presses == []


_SHORT = st.text(max_size=9)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_SHORT, inner, max_size=4),
)  # fmt: skip


class _Presses:
    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str]]] = []

    def press(self, action: str, **params: str) -> None:
        self.taken.append((action, params))


_PARAMS = dict.fromkeys(("dish", "portion", "way", "number", "digits", "self"), _JSON)
_ACTIONS = st.sampled_from(["add", "way", "card", "digits", "yes", ""])
_BODIES = st.fixed_dictionaries({"action": _ACTIONS}, optional=_PARAMS) | _JSON


@settings(deadline=None, max_examples=60)
@given(_BODIES)
def test_no_body_makes_the_page_fail(body: Any) -> None:
    till = _Presses()
    answer = create_kiosk(till).test_client().post("/press", json=body, headers=OURS)  # type: ignore[arg-type]
    assert answer.status_code in {204, 400}
    assert len(till.taken) == (answer.status_code == 204)
    assert all(isinstance(value, str) for _, params in till.taken for value in params.values())


def test_without_a_picture_the_camera_answers_with_nothing(client: FlaskClient, till: Any) -> None:
    assert client.get("/camera.jpg").data.startswith(b"\xff\xd8")
    assert client.get("/camera.jpg").headers["Cache-Control"] == "no-store"
    till.picture = None
    assert client.get("/camera.jpg").status_code == 204


def test_the_whole_picture_comes_with_what_is_seen_in_it_and_only_while_there_is_one(
    client: FlaskClient, till: Any
) -> None:
    answer = client.get("/place.jpg")
    assert answer.data.startswith(b"\xff\xd8")
    assert answer.headers["Cache-Control"] == "no-store"
    seen = json.loads(answer.headers["X-Place"])
    assert (seen["zone"], seen["face_px"], seen["verdict"]) == ([0.25, 0.1, 0.75, 0.95], 64, "ok")
    assert seen["faces"][0] == {"box": [240, 110, 160, 200], "width": 160, "verdict": "ok"}
    till.place = replace(till.place, look=None)
    assert "X-Place" not in client.get("/place.jpg").headers
    till.place = None
    assert client.get("/place.jpg").status_code == 204


def test_every_view_becomes_json(scenes: dict[str, View]) -> None:
    for view in scenes.values():
        values = json.loads(json.dumps(wire(view, None)))
        assert values["screen"] == view.screen
        assert len(values["menu"]) == len(view.menu)


def test_the_menu_travels_only_when_it_is_another_one(scenes: dict[str, View]) -> None:
    place, look, few = scenes["place"], scenes["look"], scenes["place-offline"]
    assert "menu" not in wire(look, place)
    assert "menu" in wire(few, place)


def test_a_broadcast_gives_the_newest_view_and_skips_what_nobody_saw() -> None:
    screen = Broadcast(View(Screen.SETUP), heartbeat_s=0.01)
    views = screen.subscribe()
    assert next(views) == View(Screen.SETUP)
    assert next(views) is None
    screen.publish(View(Screen.PLACE))
    screen.publish(View(Screen.PLACE, clock="11:43"))
    assert next(views) == View(Screen.PLACE, clock="11:43")
    screen.publish(View(Screen.PLACE, clock="11:43"))
    assert next(views) is None
    screen.close()
    assert list(views) == []


def test_a_slow_screen_delays_no_other() -> None:
    screen = Broadcast(View(Screen.SETUP), heartbeat_s=5)
    slow, quick = screen.subscribe(), screen.subscribe()
    next(slow)
    next(quick)
    seen: list[View | None] = []
    reader = threading.Thread(target=lambda: seen.append(next(quick)))
    reader.start()
    screen.publish(View(Screen.PLACE))
    reader.join(timeout=5)
    assert seen == [View(Screen.PLACE)]


def _events(connection: http.client.HTTPConnection) -> Any:
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    return answer


def _next_view(answer: Any) -> dict[str, Any]:
    while True:
        line = answer.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            values: dict[str, Any] = json.loads(line[6:])
            return values


@pytest.mark.process
def test_views_stream_to_several_screens_over_a_real_socket(
    served: LoopbackServer, till: Any, scenes: dict[str, View]
) -> None:
    screens = [http.client.HTTPConnection("127.0.0.1", served.port, timeout=10) for _ in range(3)]
    streams = [_events(screen) for screen in screens]
    assert [_next_view(stream)["screen"] for stream in streams] == ["place"] * 3
    till.show(scenes["confirm"])
    assert [_next_view(stream)["who"]["name"] for stream in streams] == ["甲*"] * 3
    assert streams[0].readline() == b"\n"
    assert streams[0].readline() == b"event: beat\n"
    for screen in screens:
        screen.close()


@pytest.mark.process
def test_screens_that_went_away_give_their_threads_back(served: LoopbackServer) -> None:
    for _ in range(20):  # more than the server has threads
        screen = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        assert _next_view(_events(screen))["screen"] == "place"
        screen.close()


@pytest.mark.process
def test_a_port_that_is_taken_is_named(till: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{port}.*till.port"):
            loopback.serve(create_kiosk(till), "127.0.0.1", port, "till")


@pytest.mark.process
def test_the_server_stops_while_a_screen_still_listens(till: Any) -> None:
    server = loopback.serve(create_kiosk(till), "127.0.0.1", 0, "till")
    screen = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    stream = _events(screen)
    _next_view(stream)
    till.show(replace(till.view(), clock="11:43"))
    till.screen.close()
    server.stop()
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", server.port), timeout=2)
    screen.close()
