"""The scale and the label printer beside a tablet, as the page in its browser reaches them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dafan.clock import SystemClock
from dafan.config import PrinterSettings, ScaleSettings, TabletSettings
from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import TcpPrinter
from devices.scales.simulator import ScaleSimulator
from devices.tabletside import TabletSide, create_service

PAGE = "http://canteen.local:8080"
OURS = {"Origin": PAGE}
LABEL = {"lines": [{"kind": "text", "text": "青椒 12.4 kg"}, {"kind": "cut"}]}

pytestmark = pytest.mark.process  # a network printer on loopback


@pytest.fixture
def scale(tmp_path: Path) -> Iterator[ScaleSimulator]:
    with ScaleSimulator("cas-soh", link=tmp_path / "scale") as simulated:
        yield simulated


@pytest.fixture
def paper() -> VirtualPrinter:
    return VirtualPrinter(58)


@pytest.fixture
def client(scale: ScaleSimulator, paper: VirtualPrinter) -> Iterator[FlaskClient]:
    with TcpPrinter(paper) as printer:
        settings = TabletSettings(
            server_url=PAGE,
            scale=ScaleSettings(device=scale.path),
            printer=PrinterSettings(url=printer.url, paper=58),
        )
        side = TabletSide(settings, SystemClock())
        side.start()
        yield create_service(side, settings).test_client()
        side.stop()


def told(client: FlaskClient, **wanted: object) -> dict[str, object]:
    """What the scale says, as soon as it says what is wanted."""
    for _ in range(200):
        answer = client.get("/weight", headers=OURS).get_json()
        if all(answer.get(name) == value for name, value in wanted.items()):
            return dict(answer)
        time.sleep(0.05)
    raise AssertionError(answer)


def test_the_page_sees_what_lies_on_the_scale_and_whether_it_rests(
    client: FlaskClient, scale: ScaleSimulator
) -> None:
    scale.place(1204)
    assert told(client, grams=1204, stable=True)["state"] == "connected"
    scale.lift()
    told(client, grams=0, stable=True)


def test_an_unplugged_scale_shows_no_old_weight(client: FlaskClient, scale: ScaleSimulator) -> None:
    scale.place(500)
    told(client, grams=500)
    scale.unplug()
    assert "grams" not in told(client, state="disconnected")
    scale.replug()
    told(client, grams=500)


def test_an_overloaded_scale_carries_no_number(client: FlaskClient, scale: ScaleSimulator) -> None:
    scale.set_fault("overload")
    assert told(client, over=True)["grams"] is None


def test_a_label_comes_out_of_the_printer_beside_the_tablet(
    client: FlaskClient, paper: VirtualPrinter
) -> None:
    answer = client.post("/print", json=LABEL, headers=OURS)
    assert answer.get_json()["ok"] is True
    assert "青椒 12.4 kg" in paper.receipts[0].text


def test_a_printer_without_paper_says_so_and_loses_no_label_silently(
    client: FlaskClient, paper: VirtualPrinter
) -> None:
    paper.set_fault("paper_out")
    answer = client.post("/print", json=LABEL, headers=OURS)
    assert answer.status_code == 409
    assert "paper" in answer.get_json()["error"]
    assert not paper.receipts


@pytest.mark.parametrize(
    "body", [b"", b"[" * 60000, b'{"lines":[{"kind":"shell"}]}', '{"lines": "青椒"}'.encode()]
)
def test_what_is_no_label_is_not_printed(
    client: FlaskClient, paper: VirtualPrinter, body: bytes
) -> None:
    answer = client.post("/print", data=body, headers=OURS)
    assert answer.status_code == 400
    assert not paper.receipts


def test_pages_of_others_read_no_weight_and_print_nothing(
    client: FlaskClient, paper: VirtualPrinter
) -> None:
    theirs = {"Origin": "http://elsewhere.example"}
    assert client.get("/weight", headers=theirs).status_code == 403
    assert client.post("/print", json=LABEL, headers=theirs).status_code == 403
    assert client.post("/print", json=LABEL).status_code == 403
    assert client.get("/weight", headers={"Host": "rebound.example"}).status_code == 400
    assert not paper.receipts
    allowed = client.get("/weight", headers=OURS).headers
    assert allowed["Access-Control-Allow-Origin"] == PAGE


def test_a_tablet_without_devices_says_that_there_are_none() -> None:
    settings = TabletSettings(server_url=PAGE)
    client = create_service(TabletSide(settings, SystemClock()), settings).test_client()
    assert client.get("/weight").get_json() == {"state": "none"}
    for path in ("/tare", "/zero", "/print"):
        answer = client.post(path, json=LABEL, headers=OURS)
        assert answer.status_code == 409, path
        assert "tablet." in answer.get_json()["error"]
