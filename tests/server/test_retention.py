"""What is erased after how long: on the day, not before, once, and never the books."""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, func, select

from dafan.cli import root
from dafan.db import reading, writing
from dafan.desk import ErasureReceipt
from dafan.ids import new_id
from server import audit, consents, drafts, erasures, faces, people, retention, throttle
from server.actor import Actor
from server.consents import Consent
from server.evidence import Evidence
from server.face_engine import Reference
from server.retention import Report
from server.terminals import EnrolmentCode, Terminal
from tests.server.conftest import NOON, TestSite, Till, parts_of

DAY = timedelta(days=1)


_NUMBERS = count()


def enrol(engine: Engine, app: Any, actor: Actor, diner_id: UUID) -> None:
    vector = np.zeros(512, np.float32)
    vector[next(_NUMBERS) % 512] = 1  # nobody looks like another
    face = Reference(jpeg=b"photo of a face", vector=vector, pack="pack")
    with writing(engine) as session:
        consents.give(session, actor, diner_id, consents.ConsentValues())
        faces.enrol(session, actor, parts_of(app).ring, diner_id, face, lookalike_similarity=0.9)


def run(engine: Engine, days: float) -> dict[str, int]:
    """What a run erases so many days after noon; a second one finds nothing."""
    now = NOON + timedelta(days=days)
    with reading(engine) as session:
        due = retention.due(session, now)
    with writing(engine) as session:
        done = retention.run(session, now)
    assert done.counts == due.counts
    with writing(engine) as session:
        assert retention.run(session, now) == Report()
    return dict(done.counts)


def test_every_rule_has_its_source() -> None:
    assert len({rule.code for rule in retention.RULES}) == len(retention.RULES)
    assert all(rule.source for rule in retention.RULES)


def test_evidence_goes_after_the_policys_days(
    engine: Engine, site: TestSite, terminal: Till
) -> None:
    with writing(engine) as session:
        row = Evidence(
            sale_id=new_id(), site_id=site.id, terminal_id=terminal.id, epoch=1,
            sealed=b"sealed", received_at=NOON,
        )  # fmt: skip
        session.add(row)
    assert run(engine, 29.9) == {}
    assert run(engine, 30) == {"evidence": 1}
    with reading(engine) as session:
        kept = session.get_one(Evidence, row.sale_id)
    assert (kept.sealed, kept.erased_at) == (None, NOON + 30 * DAY)


@pytest.mark.parametrize("why", ["left", "consent ended"])
def test_a_face_without_a_ground_goes_at_once(
    app: Any, engine: Engine, actor: Actor, make_diner: Any, why: str
) -> None:
    gone, stays = make_diner(), make_diner()
    for diner_id in (gone, stays):
        enrol(engine, app, actor, diner_id)
    assert run(engine, 0) == {}
    with writing(engine) as session:
        if why == "left":
            session.get_one(people.Diner, gone).status = "left"
        else:
            consents.close(session, actor, gone, "withdrawn")
    assert run(engine, 0) == {"faces": 1}
    with reading(engine) as session:
        assert session.scalars(select(faces.Photo.diner_id)).all() == [stays]
        assert session.scalars(select(faces.Template.diner_id)).all() == [stays]
        acts = session.scalars(select(audit.Audit.who).where(audit.Audit.who == "retention")).all()
    assert acts


def test_consents_and_receipts_are_kept_three_years(
    app: Any, engine: Engine, actor: Actor, terminal: Till, make_diner: Any
) -> None:
    diner_id = make_diner()
    enrol(engine, app, actor, diner_id)
    with writing(engine) as session:
        faces.withdraw(session, actor, diner_id)
    assert run(engine, 3 * 365 - 1) == {"codes": 1}
    assert run(engine, 3 * 365) == {"consents": 1, "receipts": 1}
    assert terminal.id


def test_a_consent_that_holds_is_kept_however_old(
    app: Any, engine: Engine, actor: Actor, make_diner: Any
) -> None:
    enrol(engine, app, actor, make_diner())
    assert run(engine, 10_000) == {}
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(Consent)) == 1


def test_what_was_only_for_a_while_goes(engine: Engine, site: TestSite, actor: Actor) -> None:
    with writing(engine) as session:
        throttle.note(session, "login", "somebody", NOON)
        drafts.keep(session, actor, "people", "people.csv", b"name")
        session.add(
            EnrolmentCode(
                code_hash="0" * 64, site_id=site.id, venue_id=site.venue_id, name="till",
                made_by="test", expires_at=NOON,
            )
        )  # fmt: skip
    assert run(engine, 0.9) == {}
    assert run(engine, 1) == {"drafts": 1}
    assert run(engine, 30) == {"attempts": 1, "codes": 1}


def test_the_books_and_the_audit_log_are_never_touched(
    engine: Engine, terminal: Till, make_diner: Any, make_sale: Any
) -> None:
    terminal.sell(make_sale(make_diner()))
    terminal.push()
    tables = ("audit", "sale", "sale_line", "transfer", "posting", "entry", "batch", "account")
    before = counts(engine, tables)
    run(engine, 20_000)
    assert counts(engine, tables) == before


def counts(engine: Engine, tables: tuple[str, ...]) -> list[int]:
    with engine.connect() as connection:
        return [
            connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608 - names from above
            for name in tables
        ]


def test_more_than_one_portion_is_erased_portion_by_portion(
    app: Any, engine: Engine, actor: Actor, make_diner: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(retention, "PORTION", 2)
    diners = [make_diner() for _ in range(5)]
    for diner_id in diners:
        enrol(engine, app, actor, diner_id)
    with writing(engine) as session:
        for diner_id in diners:
            consents.close(session, actor, diner_id, "withdrawn")
    assert retention.run_all(engine, NOON).counts == {"faces": 5}


def test_an_erased_photograph_is_not_in_the_file_any_more(
    app: Any, engine: Engine, actor: Actor, make_diner: Any, settings: Any
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL overwrites nothing: docs/keys.md says what to do there")
    diner_id = make_diner()
    enrol(engine, app, actor, diner_id)
    with reading(engine) as session:
        photo = session.scalar(select(faces.Photo))
        assert photo is not None
    files = [settings.data_dir / name for name in ("dafan.db", "dafan.db-wal")]
    assert any(photo.sealed in file.read_bytes() for file in files if file.exists())
    with writing(engine) as session:
        consents.close(session, actor, diner_id, "withdrawn")
    retention.run_all(engine, NOON)
    assert not any(photo.sealed in file.read_bytes() for file in files if file.exists())


def test_a_dry_run_says_what_would_go_and_erases_nothing(
    app: Any, engine: Engine, actor: Actor, make_diner: Any
) -> None:
    diner_id = make_diner()
    enrol(engine, app, actor, diner_id)
    with writing(engine) as session:
        consents.close(session, actor, diner_id, "withdrawn")
    said = CliRunner().invoke(root, ["server", "retention", "--dry-run"])
    assert "1 faces" in said.output, said.output
    with reading(engine) as session:
        assert faces.template_of(session, diner_id) is not None
    said = CliRunner().invoke(root, ["server", "retention"])
    assert "1 faces" in said.output
    with reading(engine) as session:
        assert faces.template_of(session, diner_id) is None


# --- the receipt of an erasure ------------------------------------------------------------------


def test_a_receipt_says_where_a_face_was_erased_and_how_we_know(
    app: Any, engine: Engine, site: TestSite, actor: Actor, make_diner: Any, make_till: Any
) -> None:
    told, pulled, silent, lost = (make_till() for _ in range(4))
    diner_id = make_diner()
    enrol(engine, app, actor, diner_id)
    with writing(engine) as session:
        assert erasures.receipt(session, site.id, diner_id) is None
        template = faces.template_of(session, diner_id)
        assert template is not None
        faces.withdraw(session, actor, diner_id)
        session.get_one(Terminal, lost.id).revoked_at = NOON + DAY
    told.write(
        "erasure", ErasureReceipt(template_id=template.id, diner_id=diner_id, erased_at=NOON)
    )
    told.push()
    pulled.feed(pulled.feed()["version"])
    with writing(engine) as session:
        version = faces.erasures(session, diner_id)[0].version
        session.get_one(Terminal, pulled.id).feed_version = version or 0
    with reading(engine) as session:
        receipt = erasures.receipt(session, site.id, diner_id)
        waiting = [each.terminal_id for each in faces.waiting_erasures(session, site.id, diner_id)]
    assert receipt is not None
    assert {place.terminal: place.proof for place in receipt.places} == {
        told.info.name: "receipt", pulled.info.name: "feed", silent.info.name: "waiting",
        lost.info.name: "revoked",
    }  # fmt: skip
    assert waiting == [silent.id]
    assert not receipt.complete
    assert not receipt.enrolled
    assert [one.closed_because for one in receipt.ended] == ["withdrawn"]


def test_a_terminal_that_came_later_is_not_on_the_receipt(
    app: Any, engine: Engine, site: TestSite, actor: Actor, make_diner: Any, make_till: Any
) -> None:
    diner_id = make_diner()
    enrol(engine, app, actor, diner_id)
    with writing(engine) as session:
        faces.withdraw(session, actor, diner_id)
    make_till()
    with reading(engine) as session:
        receipt = erasures.receipt(session, site.id, diner_id)
    assert receipt is not None
    assert receipt.places == ()
    assert receipt.complete
