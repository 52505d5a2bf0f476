"""``dafan doctor`` names what is wrong with a machine; a check that fails hides no other."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dafan import doctor
from dafan.config import Settings, load_settings
from dafan.doctor import Finding, Light, examine, machine


@pytest.fixture
def settings() -> Settings:
    made = load_settings()
    made.data_dir.mkdir(parents=True)
    return made


def texts(findings: Iterator[Finding], light: Light) -> list[str]:
    return [finding.what for finding in findings if finding.light is light]


def test_a_missing_data_folder_says_how_to_begin() -> None:
    found = list(machine(load_settings()))
    assert any("dafan server init" in finding.advice for finding in found)


def test_a_secret_that_others_can_read_stops(settings: Settings) -> None:
    secret = settings.data_dir / "site.key"
    secret.write_bytes(b"k" * 32)
    secret.chmod(0o644)
    (text,) = texts(machine(settings), Light.STOP)
    assert "site.key" in text
    secret.chmod(0o600)
    assert texts(machine(settings), Light.STOP) == []


@pytest.mark.parametrize(
    ("free", "light"), [(100 * 2**20, Light.STOP), (2**30, Light.WARN), (5 * 2**30, Light.OK)]
)
def test_a_disk_that_fills_up_is_told_before_it_is_full(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, light: Light
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(free))
    assert [f.light for f in machine(settings) if "GB free" in f.what] == [light]


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


@pytest.mark.parametrize(("answer", "light"), [("yes", Light.OK), ("no", Light.WARN)])
def test_a_clock_that_nobody_sets_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, light: Light
) -> None:
    command = tmp_path / "timedatectl"
    command.write_text(f"#!/bin/sh\necho {answer}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert [f.light for f in machine(settings) if f.what.startswith("the clock")] == [light]


def test_a_check_that_fails_hides_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Settings) -> Iterator[Finding]:
        raise RuntimeError("the probe broke")
        yield

    monkeypatch.setattr(doctor, "machine", broken)
    found = list(examine(settings))
    assert "the probe broke" in found[0].what
    assert any("face models" in finding.what for finding in found[1:])


def run(*arguments: str) -> Any:
    return CliRunner().invoke(doctor.doctor, list(arguments))


def test_settings_that_cannot_be_used_are_the_first_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAFAN_SERVER__PORTT", "1")
    result = run("--json")
    answer = json.loads(result.output)
    assert (result.exit_code, answer["ok"]) == (1, False)
    assert "did you mean" in answer["findings"][0]["what"]


def test_warnings_alone_leave_the_exit_status_0(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings
    monkeypatch.setattr(doctor, "ROOMS", ("dafan.doctor:machine",))
    result = run()
    assert result.exit_code == 0, result.output
    assert "Dafan" in result.output
