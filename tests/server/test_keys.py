"""Site keys in epochs: rotation that may crash anywhere, tills that follow, old keys destroyed."""

import base64
import os
from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select

from dafan import crypto
from dafan.cli import root
from dafan.clock import ManualClock
from dafan.crypto import SealError
from dafan.db import reading, writing
from dafan.errors import ConfigError
from server import (
    audit,
    consents,
    evidence,
    faces,
    keys,
    resealing,
    rotation,
    terminals,
)
from server.actor import Actor
from server.face_engine import Reference
from server.keys import KeyRing
from tests.server.conftest import TestSite, Till, parts_of


@pytest.fixture
def ring(app: Any) -> KeyRing:
    """The application's keys."""
    return parts_of(app).ring


def face(number: int) -> Reference:
    vector = np.zeros(512, np.float32)
    vector[number] = 1
    return Reference(jpeg=f"photo {number}".encode(), vector=vector, pack="pack")


@pytest.fixture
def enrol(engine: Engine, actor: Actor, ring: KeyRing, make_diner: Any) -> Callable[[], UUID]:
    """Enrol the face of a new diner."""
    made: list[UUID] = []

    def do() -> UUID:
        diner_id: UUID = make_diner()
        made.append(diner_id)
        with writing(engine) as session:
            consents.give(session, actor, diner_id, consents.ConsentValues())
            faces.enrol(session, actor, ring, diner_id, face(len(made)), lookalike_similarity=0.9)
        return diner_id

    return do


def rotate(engine: Engine, ring: KeyRing, clock: ManualClock) -> int:
    rotation.advance(engine, ring, by="test", now=clock.now())
    rotation.give(engine, ring)
    list(resealing.reseal(engine, ring))
    with reading(engine) as session:
        return keys.current(session)


def pull(till: Till) -> dict[str, dict[str, Any]]:
    """All that the till is told, as it applies it; and it asks once more, from there."""
    page = till.feed()
    till.clock.advance(30)
    till.feed(page["version"])
    return {
        item["key"]: item["body"] | {"kind": item["kind"]} for item in page["items"] if item["body"]
    }


def key_for(till: Till, told: dict[str, dict[str, Any]]) -> tuple[int, bytes]:
    body = told[str(till.id)]
    assert body["kind"] == "site_key"
    plain = crypto.open_box(till.identity, base64.b64decode(body["sealed"]), "site key")
    return body["epoch"], plain


# --- files --------------------------------------------------------------------------------------


def test_the_one_key_of_an_older_server_becomes_the_first_epoch(tmp_path: Any) -> None:
    old = tmp_path / "site.key"
    old.write_bytes(b"k" * 32)
    ring = KeyRing.open(tmp_path)
    assert ring.key(1).secret == b"k" * 32
    assert not old.exists()
    assert KeyRing.open(tmp_path).epochs() == [1]


def test_a_crash_while_the_old_file_moves_is_harmless(tmp_path: Any) -> None:
    KeyRing.open(tmp_path)
    os.link(tmp_path / "keys" / "1.key", tmp_path / "site.key")
    KeyRing.open(tmp_path)
    assert not (tmp_path / "site.key").exists()


def test_two_different_first_keys_are_left_for_a_person(tmp_path: Any) -> None:
    KeyRing.open(tmp_path)
    (tmp_path / "site.key").write_bytes(b"k" * 32)
    with pytest.raises(ConfigError, match="different keys"):
        KeyRing.open(tmp_path)
    assert (tmp_path / "site.key").read_bytes() == b"k" * 32


def test_keys_are_readable_by_their_owner_only(tmp_path: Any) -> None:
    ring = KeyRing.open(tmp_path)
    assert (ring.folder / "1.key").stat().st_mode & 0o077 == 0
    assert ring.folder.stat().st_mode & 0o077 == 0


def test_a_key_is_not_told_by_what_is_printed_of_it(tmp_path: Any) -> None:
    key = KeyRing.open(tmp_path).key(1)
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)


def test_a_destroyed_key_is_gone_at_once_and_no_other_takes_its_place(tmp_path: Any) -> None:
    ring = KeyRing.open(tmp_path)
    ring.make(2)
    assert ring.destroy(1)
    assert not ring.destroy(1)
    with pytest.raises(SealError, match="epoch 1"):
        ring.key(1)
    assert KeyRing.open(tmp_path).epochs() == [2]


# --- rotation -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("site")
def test_a_rotation_reaches_every_till_and_everything_that_is_sealed(
    engine: Engine, ring: KeyRing, make_till: Any, enrol: Any, clock: Any
) -> None:
    tills = [make_till(), make_till()]
    diners = [enrol() for _ in range(3)]
    assert rotate(engine, ring, clock) == 2
    for till in tills:
        told = pull(till)
        epoch, key = key_for(till, told)
        assert (epoch, key) == (2, ring.key(2).secret)
        templates = {k: v for k, v in told.items() if v["kind"] == "template"}
        assert len(templates) == 3
        for name, body in templates.items():
            assert body["epoch"] == 2
            sealed = base64.b64decode(body["sealed"])
            assert faces.open_vector(key, UUID(name), sealed).sum() == 1
    with reading(engine) as session:
        assert resealing.counts(session) == {2: {"template": 3, "photo": 3}}
        photo = session.scalar(select(faces.Photo).where(faces.Photo.diner_id == diners[1]))
        assert photo is not None
        assert faces.open_photo(ring, photo) == b"photo 2"


def test_the_key_for_one_till_opens_at_no_other(
    engine: Engine, ring: KeyRing, make_till: Any, clock: Any
) -> None:
    one, other = make_till(), make_till()
    rotate(engine, ring, clock)
    told = pull(one)
    assert str(other.id) not in {k for k, v in told.items() if v["kind"] == "site_key"}
    with pytest.raises(SealError):
        crypto.open_box(other.identity, base64.b64decode(told[str(one.id)]["sealed"]), "site key")


def test_what_is_enrolled_after_a_rotation_has_the_new_key(
    engine: Engine, ring: KeyRing, enrol: Any, make_till: Any, clock: Any
) -> None:
    rotate(engine, ring, clock)
    enrol()
    late = make_till()
    with reading(engine) as session:
        assert resealing.counts(session) == {2: {"template": 1, "photo": 1}}
        assert session.get_one(terminals.Terminal, late.id).key_epoch == 2


@pytest.mark.parametrize("crash", ["advance", "give", "a portion"])
def test_a_rotation_that_crashed_goes_on_where_it_was(
    engine: Engine, ring: KeyRing, terminal: Till, enrol: Any, clock: Any,
    crash: str, monkeypatch: Any,
) -> None:  # fmt: skip
    for _ in range(5):
        enrol()
    monkeypatch.setattr(resealing, "PORTION", 2)
    assert rotation.advance(engine, ring, by="test", now=clock.now()) == 2
    if crash != "advance":
        rotation.give(engine, ring)
    if crash == "a portion":
        next(resealing.reseal(engine, ring))
    assert rotation.advance(engine, ring, by="test", now=clock.now()) is None
    assert rotate(engine, ring, clock) == 2
    with reading(engine) as session:
        assert resealing.counts(session) == {2: {"template": 5, "photo": 5}}
    assert key_for(terminal, pull(terminal))[0] == 2
    assert rotate(engine, ring, clock) == 3


@pytest.mark.usefixtures("site")
def test_a_key_made_before_a_crash_is_used_and_not_replaced(
    engine: Engine, ring: KeyRing, clock: Any
) -> None:
    orphan = ring.make(2).secret
    assert rotate(engine, ring, clock) == 2
    assert ring.key(2).secret == orphan


def test_one_thing_that_does_not_open_is_named_and_keeps_nothing_back(
    engine: Engine, ring: KeyRing, enrol: Any, clock: Any
) -> None:
    broken, _whole = enrol(), enrol()
    with writing(engine) as session:
        row = session.scalar(select(faces.Photo).where(faces.Photo.diner_id == broken))
        assert row is not None
        row.sealed = bytes(60)
        name = f"photo {row.id}"
    rotation.advance(engine, ring, by="test", now=clock.now())
    faults = [text for one in resealing.reseal(engine, ring) for text in one.faults]
    assert [text.partition(":")[0] for text in faults] == [name]
    with reading(engine) as session:
        assert resealing.counts(session)[2] == {"template": 2, "photo": 1}


def test_evidence_is_sealed_anew_as_well(
    app: Any, engine: Engine, ring: KeyRing, site: TestSite, terminal: Till,
    make_sale: Any, clock: Any,
) -> None:  # fmt: skip
    sale = make_sale()
    jpeg = b"\xff\xd8\xff" + bytes(50)
    sealed = crypto.seal(ring.key(1).secret, jpeg, evidence.context(sale.id))
    with writing(engine) as session:
        session.add(
            evidence.Evidence(
                sale_id=sale.id, site_id=site.id, terminal_id=terminal.id, epoch=1, sealed=sealed
            )
        )
    rotate(engine, ring, clock)
    ring.destroy(1)
    with reading(engine) as session:
        assert evidence.picture(session, parts_of(app), site.id, sale.id) == jpeg


# --- the end of old keys ------------------------------------------------------------------------


def test_an_old_key_lives_until_every_till_in_use_has_gone_beyond_it(
    engine: Engine, ring: KeyRing, site: TestSite, make_till: Any, enrol: Any, clock: Any
) -> None:
    one, silent = make_till(), make_till()
    enrol()
    pull(one)
    rotate(engine, ring, clock)
    with pytest.raises(rotation.KeyNeededError, match=one.info.name):
        rotation.retire(engine, ring, by="test", now=clock.now())
    pull(one)
    with pytest.raises(rotation.KeyNeededError) as error:
        rotation.retire(engine, ring, by="test", now=clock.now())
    assert one.info.name not in str(error.value)
    assert silent.info.name in str(error.value)
    with writing(engine) as session:
        terminals.revoke(session, site.id, silent.id, by="test", now=clock.now())
    gone = rotation.retire(engine, ring, by="test", now=clock.now())
    assert [row.epoch for row in gone] == [1]
    assert ring.epochs() == [2]
    assert rotation.retire(engine, ring, by="test", now=clock.now()) == []


@pytest.mark.usefixtures("site")
def test_an_old_key_lives_while_anything_is_sealed_with_it(
    engine: Engine, ring: KeyRing, enrol: Any, clock: Any
) -> None:
    enrol()
    rotation.advance(engine, ring, by="test", now=clock.now())
    with pytest.raises(rotation.KeyNeededError, match="1 of kind template"):
        rotation.retire(engine, ring, by="test", now=clock.now())
    assert ring.epochs() == [1, 2]


@pytest.mark.usefixtures("site")
def test_a_crash_before_the_file_is_destroyed_is_made_good(
    engine: Engine, ring: KeyRing, clock: Any, monkeypatch: Any
) -> None:
    rotate(engine, ring, clock)

    def crash(_epoch: int) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ring, "destroy", crash)
        with pytest.raises(KeyboardInterrupt):
            rotation.retire(engine, ring, by="test", now=clock.now())
    assert ring.epochs() == [1, 2]
    assert [row.epoch for row in rotation.retire(engine, ring, by="x", now=clock.now())] == [1]
    assert ring.epochs() == [2]
    with reading(engine) as session:
        acts = [row.action for row in session.scalars(select(audit.Audit))]
    assert acts.count("key.retire") == 1


@pytest.mark.usefixtures("site")
def test_a_till_that_is_ahead_of_a_restored_server_counts_as_having_nothing(
    engine: Engine, ring: KeyRing, terminal: Till, clock: Any
) -> None:
    rotate(engine, ring, clock)
    with writing(engine) as session:
        session.get_one(terminals.Terminal, terminal.id).feed_version = 10**6
    with pytest.raises(rotation.KeyNeededError, match=terminal.info.name):
        rotation.retire(engine, ring, by="test", now=clock.now())


# --- commands -----------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(root, ["keys", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


@pytest.mark.usefixtures("app", "engine", "site")
def test_the_commands_rotate_list_shut_out_and_destroy(
    ring: KeyRing, terminal: Till, enrol: Any
) -> None:
    enrol()
    assert "Epoch 2 seals everything now; 1 terminals" in run("rotate")
    listed = run("list")
    assert "seals 1 photo, 1 template" in listed
    assert f"{terminal.info.name}: still at epoch 1" in listed
    assert f"{terminal.info.name} is refused" in run("revoke-terminal", terminal.info.name)
    assert "still at epoch" not in run("list")
    fingerprint = ring.key(1).fingerprint
    assert fingerprint in run("retire")
    assert "destroyed" in run("list")
    assert "no older key" in run("retire")
    assert ring.epochs() == [2]
    response = terminal.client.get("/api/v1/feed", headers=terminal.headers())
    assert response.status_code == 401
