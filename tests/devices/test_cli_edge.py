"""The commands for printers, cameras and readers, as a person types them."""

import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from dafan.errors import BadInputError, ConfigError, DafanError, DeviceError
from devices.cli_edge import camera, printer, reader, sample_receipt
from devices.escpos_render import to_escpos
from devices.printer_simulator import VirtualPrinter
from devices.printer_simulator_ports import PtyPrinter


def run(group, *words: str, stdin: bytes | None = None) -> str:
    """The command's output; its errors are raised, as the command line's main prints them."""
    result = CliRunner().invoke(group, words, input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_test_receipt_reaches_a_serial_printer_and_is_confirmed(tmp_path):
    simulated = VirtualPrinter(58)
    with PtyPrinter(simulated, tmp_path / "printer") as port:
        said = run(printer, "test", "--to", port.url, "--paper", "58", "--drawer")
        assert run(printer, "status", "--to", port.url) == "ready\n"
    assert said.startswith("printed: ")
    assert "￥21.36" in simulated.receipts[0].text
    assert simulated.receipts[0].qr == ["dafan:printer-test"]
    assert simulated.receipts[0].drawer_kicks == [2]


def test_a_printer_without_paper_is_told_by_test_and_status(tmp_path):
    simulated = VirtualPrinter()
    simulated.set_fault("paper_out")
    with PtyPrinter(simulated, tmp_path / "printer") as port:
        assert run(printer, "status", "--to", port.url) == "not ready: out of paper\n"
        with pytest.raises(DeviceError, match="out of paper"):
            run(printer, "test", "--to", port.url)
    assert simulated.text == ""


def test_a_file_has_no_status_and_is_no_error(tmp_path):
    url = f"file:{tmp_path / 'roll.bin'}"
    assert run(printer, "status", "--to", url).startswith("unknown: ")
    assert "cannot confirm" in run(printer, "test", "--to", url)


def test_captured_bytes_are_drawn(tmp_path):
    out = tmp_path / "roll.png"
    data = to_escpos(sample_receipt()) + to_escpos(sample_receipt())
    said = run(printer, "render", "-", "--out", str(out), stdin=data)
    assert said.count("红烧肉") == 2
    with Image.open(out) as picture:
        assert picture.width == 640
        assert picture.height > 900


@pytest.mark.parametrize("data", [b"", b"\x1b", bytes(range(256)) * 20])
def test_any_bytes_are_drawn_somehow(tmp_path, data):
    out = tmp_path / "roll.png"
    run(printer, "render", "-", "--out", str(out), stdin=data)
    assert out.exists()


def test_a_picture_that_cannot_be_written_is_one_clear_error(tmp_path):
    with pytest.raises(BadInputError, match="name a"):
        run(printer, "render", "-", "--out", str(tmp_path / "no" / "x.png"), stdin=b"x\n")
    (tmp_path / "a.png").write_bytes(
        cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()
    )
    with pytest.raises(BadInputError, match="name a"):
        run(camera, "show", str(tmp_path / "a.png"), "--out", str(tmp_path / "x.xyz"))


def test_a_picture_for_which_there_is_no_room_is_told_and_leaves_nothing_half_written(tmp_path):
    noise = np.random.default_rng(3).integers(0, 255, (200, 200, 3), np.uint8)
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    (tmp_path / "full.png").symlink_to("/dev/full")
    with pytest.raises(BadInputError, match="No space left"):
        run(camera, "show", str(tmp_path / "a.png"), "--out", str(tmp_path / "full.png"))
    half = tmp_path / "half.png"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(BadInputError, match="File too large"):
            run(camera, "show", str(tmp_path / "a.png"), "--out", str(half))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not half.exists()


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (printer, ["test", "--to", "lpt1"]),
        (printer, ["status", "--to", "serial:/dev/no-such"]),
        (camera, ["show", "97", "--out", "x.png"]),
        (camera, ["show", "nothing", "--out", "x.png"]),
        (reader, ["watch", "/dev/no-such"]),
        (reader, ["watch", "nothing"]),
    ],
)
def test_a_device_that_is_not_there_is_one_line_of_advice(group, words):
    with pytest.raises(DafanError) as caught:
        run(group, *words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [["render", "no-such-file", "--out", "x.png"], ["test"]])
def test_wrong_words_exit_with_2(words):
    result = CliRunner().invoke(printer, words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_one_frame_of_a_source_is_saved(tmp_path):
    image = np.full((48, 64, 3), 90, dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    out = tmp_path / "out.png"
    assert run(camera, "show", str(tmp_path), "--out", str(out)).startswith("64x48 ")
    assert cv2.imread(str(out)).shape == (48, 64, 3)


def test_a_mistyped_camera_says_what_can_be_one():
    with pytest.raises(ConfigError, match="rtsp://"):
        run(camera, "show", "webcam", "--out", "x.png")


@pytest.mark.process
def test_the_simulated_network_printer_leaves_receipts_and_ends_when_asked(tmp_path: Path):
    command = "from devices.cli_edge import printer; printer()"
    words = ["simulate", "--tcp", "0", "--paper", "58", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", command, *words], stdout=subprocess.PIPE, text=True
    )
    try:
        url = re.search(r"tcp:127\.0\.0\.1:\d+", process.stdout.readline())[0]
        assert run(printer, "test", "--to", url, "--paper", "58").startswith("printed: ")
        assert process.stdout.readline().strip().endswith("0001.png")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        process.stdout.close()
    assert "合计" in (tmp_path / "out" / "0001.txt").read_text(encoding="utf-8")
