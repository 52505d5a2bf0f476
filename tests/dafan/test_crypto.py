"""Keys sign, seal and expire as they should."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dafan.crypto import (
    Identity,
    SealError,
    load_or_create_secret,
    make_qr,
    make_token,
    new_key,
    open_box,
    open_sealed,
    read_qr,
    seal,
    seal_to,
    token_is_good,
    token_issuer,
    verify_signature,
)

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
KEY = new_key()


def test_an_identity_survives_its_file() -> None:
    identity = Identity.create()
    again = Identity.from_bytes(identity.to_bytes())
    assert verify_signature(identity.signing_public, again.signing.sign(b"x"), b"x")
    assert again.box_public == identity.box_public


def test_a_damaged_identity_file_says_what_to_do() -> None:
    with pytest.raises(SealError, match="enrol"):
        Identity.from_bytes(b"short")


@given(st.binary(max_size=200), st.integers(0, 10**4))
def test_one_changed_bit_and_a_sealed_thing_does_not_open(plain: bytes, position: int) -> None:
    sealed = bytearray(seal(KEY, plain, "photo:1"))
    assert open_sealed(KEY, bytes(sealed), "photo:1") == plain
    sealed[position % len(sealed)] ^= 1
    with pytest.raises(SealError):
        open_sealed(KEY, bytes(sealed), "photo:1")


def test_a_sealed_thing_does_not_open_elsewhere_or_with_another_key() -> None:
    sealed = seal(KEY, b"face", "template:1")
    with pytest.raises(SealError):
        open_sealed(KEY, sealed, "template:2")
    with pytest.raises(SealError):
        open_sealed(new_key(), sealed, "template:1")


def test_only_the_addressee_opens_a_box() -> None:
    till, other = Identity.create(), Identity.create()
    box = seal_to(till.box_public, KEY, "site key")
    assert open_box(till, box, "site key") == KEY
    with pytest.raises(SealError):
        open_box(other, box, "site key")
    with pytest.raises(SealError):
        open_box(till, box[:10], "site key")


def test_a_token_is_good_for_its_minute_and_for_its_key_only() -> None:
    till, terminal = Identity.create(), uuid4()
    token = make_token(till, terminal, NOW)
    assert token_issuer(token) == terminal
    assert token_is_good(token, till.signing_public, NOW)
    assert not token_is_good(token, Identity.create().signing_public, NOW)
    assert not token_is_good(token, till.signing_public, NOW + timedelta(minutes=3))
    assert not token_is_good(token, till.signing_public, NOW - timedelta(minutes=3))


@given(st.text(max_size=80))
def test_text_that_is_no_token_is_refused_quietly(text: str) -> None:
    assert token_issuer(text) is None
    assert not token_is_good(text, Identity.create().signing_public, NOW)


def test_a_qr_code_of_another_site_or_an_edited_one_names_nobody() -> None:
    diner, other = uuid4(), uuid4()
    text = make_qr(KEY, diner)
    assert read_qr(KEY, text) == diner
    assert read_qr(new_key(), text) is None
    assert read_qr(KEY, text.replace(diner.hex, other.hex)) is None


@given(st.text(max_size=60))
def test_any_other_qr_code_names_nobody(text: str) -> None:
    assert read_qr(KEY, text) is None


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "site.key"
    assert load_or_create_secret(path, b"first") == b"first"
    assert load_or_create_secret(path, b"second") == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["site.key"]
