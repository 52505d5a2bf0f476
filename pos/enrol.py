"""How a till becomes one: a one-time code for an identity, kept in files only its user reads."""

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import ValidationError

from dafan.crypto import Identity, SealError, load_or_create_secret, open_box
from dafan.enrolment import EnrolAnswer, EnrolRequest
from dafan.errors import DafanError
from dafan.records import TerminalInfo
from pos.keyring import SITE_KEY as SITE_KEY  # noqa: PLC0414 - one of the till's files
from pos.keyring import KeyRing, key_file, write_private

IDENTITY, TERMINAL = "till.identity", "terminal.json"
JOURNAL = "till.db"


class EnrolError(DafanError):
    """The till is not enrolled, or could not be."""

    code = "enrol"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What makes this machine a till."""

    identity: Identity
    terminal: TerminalInfo
    keys: KeyRing


def enrol(data_dir: Path, server_url: str, code: str, client: httpx.Client) -> TerminalInfo:
    """Exchange a one-time code for an identity; repeating it after a lost answer is harmless.

    Raises:
        EnrolError: not reached, refused, an answer that makes no sense, or enrolled already.
    """
    if (data_dir / TERMINAL).exists():
        raise EnrolError(
            f"{data_dir / TERMINAL} exists: this is a till already; its journal belongs to it"
        )
    identity = Identity.from_bytes(
        load_or_create_secret(data_dir / IDENTITY, Identity.create().to_bytes())
    )
    answer = _ask(client, server_url, identity, code)
    site_key = open_box(identity, answer.sealed_site_key, "site key")
    write_private(key_file(data_dir, answer.epoch), site_key)
    terminal = json.dumps(answer.terminal.to_body(), ensure_ascii=False, indent=1)
    write_private(data_dir / TERMINAL, terminal.encode())
    return answer.terminal


def load_enrolment(data_dir: Path) -> Enrolment:
    """Read what :func:`enrol` has written.

    Raises:
        EnrolError: this machine is no till yet, or its files are damaged.
    """
    try:
        identity = Identity.from_bytes((data_dir / IDENTITY).read_bytes())
        terminal = TerminalInfo.model_validate_json((data_dir / TERMINAL).read_bytes())
        keys = KeyRing.load(data_dir, identity)
    except FileNotFoundError as error:
        raise EnrolError(
            "this till is not enrolled: get a code from the manager's page, then "
            "dafan till enrol --server URL --code CODE"
        ) from error
    except (ValidationError, SealError, OSError) as error:
        raise EnrolError(
            f"the till's files in {data_dir} cannot be read: restore them or enrol anew"
        ) from error
    return Enrolment(identity, terminal, keys)


def _ask(client: httpx.Client, server_url: str, identity: Identity, code: str) -> EnrolAnswer:
    try:
        request = EnrolRequest(
            code=code.strip().upper(),
            signing_key=identity.signing_public,
            box_key=identity.box_public,
        )
    except ValidationError as error:
        raise EnrolError("that is no enrolment code: type what the manager's page shows") from error
    url = server_url.rstrip("/") + "/api/v1/terminals/enrol"
    try:
        response = client.post(url, json=request.to_body())
        body = response.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EnrolError(f"{server_url} does not answer: check address and network") from error
    except ValueError as error:
        raise EnrolError(f"{server_url} is no Dafan server") from error
    if not response.is_success:
        said = body.get("message") if isinstance(body, dict) else None
        raise EnrolError(f"the server refused: {said or response.status_code}")
    try:
        return EnrolAnswer.model_validate(body)
    except ValidationError as error:
        raise EnrolError(f"{server_url} is no Dafan server of this version") from error
