"""`dafan devices` as a person types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dafan.errors import BadInputError, ConfigError, DeviceError
from devices.cli import devices
from devices.scales.simulated import MODELS, Load
from devices.scales.simulator import ScaleSimulator

FIELDS = {"grams", "stable", "net", "over", "under", "negative", "error"}


def run(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(devices, words, input=stdin, catch_exceptions=False)


def objects(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("protocol", sorted(MODELS))
def test_decode_prints_one_object_a_frame(protocol: str, tmp_path: Path) -> None:
    file = tmp_path / "capture.bin"
    file.write_bytes(MODELS[protocol].frame(Load(1250)) * 10)
    result = run("decode", "--protocol", protocol, str(file))
    printed = objects(result)
    assert result.exit_code == 0
    assert [row["grams"] for row in printed] == [1250] * 10
    assert all(set(row) >= FIELDS for row in printed)
    assert printed[-1]["stable"] is True


def test_decode_reads_standard_input() -> None:
    result = run("decode", "--protocol", "st-gs", "-", stdin=b"ST,NT,+00012.3kg\r\n")
    assert [(row["grams"], row["net"]) for row in objects(result)] == [(12300, True)]


def test_decode_takes_the_unit_of_scales_that_name_none() -> None:
    result = run("decode", "--protocol", "toledo-8217", "--unit", "lb", "-", stdin=b"\x0201.000\r")
    assert objects(result)[0]["grams"] == 454


@pytest.mark.parametrize("protocol", sorted(MODELS))
def test_decode_survives_garbage(protocol: str, tmp_path: Path) -> None:
    file = tmp_path / "garbage.bin"
    file.write_bytes(bytes(range(256)) * 20 + b"\r\n\x02\x01\x02S" * 50)
    result = run("decode", "--protocol", protocol, str(file))
    assert result.exit_code == 0
    assert all(row["grams"] is None and row["error"] for row in objects(result))


def test_decode_names_what_is_wrong_with_its_arguments(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown scale protocol 'nonesuch'"):
        run("decode", "--protocol", "nonesuch", "-", stdin=b"")
    with pytest.raises(BadInputError, match="cannot read"):
        run("decode", "--protocol", "st-gs", str(tmp_path / "none.bin"))
    with pytest.raises(BadInputError, match="cannot read"):
        run("decode", "--protocol", "st-gs", str(tmp_path))
    with pytest.raises(BadInputError, match="unknown unit"):
        run("decode", "--protocol", "st-gs", "--unit", "stone", "-", stdin=b"")


@pytest.mark.process
def test_a_missing_file_is_one_line_and_exit_code_two(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from dafan.cli import main; main()", "devices", "decode"]
    done = subprocess.run(
        [*command, "--protocol", "st-gs", str(tmp_path / "none.bin")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "none.bin" in done.stderr


def test_protocols_are_the_first_words_of_the_list() -> None:
    lines = run("protocols").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*MODELS, "custom"]
    rows = json.loads(run("protocols", "--json").stdout)
    assert [row["name"] for row in rows] == list(MODELS)


def test_detect_says_which_protocol_to_use() -> None:
    with ScaleSimulator("yaohua-a9") as scale:
        scale.set_load(650)
        result = run("detect", scale.path)
        as_json = run("detect", scale.path, "--json")
    assert "use yaohua-a9" in result.stdout
    assert json.loads(as_json.stdout)["best"]["protocol"] == "yaohua-a9"


def test_detect_of_a_missing_device_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cannot use"):
        run("detect", str(tmp_path / "ttyUSB9"))


def test_watch_prints_readings() -> None:
    with ScaleSimulator("cas-soh") as scale:
        scale.set_load(650)
        result = run("watch", scale.path, "--protocol", "cas-soh", "--seconds", "1.5")
    assert 650 in {row["grams"] for row in objects(result)}
    assert "connected" in result.stderr


def test_simulate_prints_its_device_and_obeys_until_told_to_quit(tmp_path: Path) -> None:
    link = tmp_path / "scale"
    script = b"place 650\nfault noise\nheal\nlift\nfault nonsense\n\nquit\n"
    result = run("simulate", "--protocol", "st-gs", "--link", str(link), stdin=script)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(link)]
    assert "say: place GRAMS" in result.stderr
    assert not link.is_symlink()


def test_the_other_devices_hang_on_the_same_command() -> None:
    assert {"printer", "camera", "reader"} <= set(devices.commands)
