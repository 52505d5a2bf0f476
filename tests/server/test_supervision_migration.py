"""A template that was saved before a version knew which acts were new."""

import json
from pathlib import Path
from uuid import uuid4

from dafan.db import make_engine, reading
from kitchen import supervision_templates as templates
from server import schema


def test_what_a_site_took_out_stays_out_and_what_shipped_later_is_offered(tmp_path: Path) -> None:
    schema.load()
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    schema.upgrade(engine, "0027")
    site = uuid4()
    own = [act for act in templates.shipped() if act.code not in {"scales", "waste"}]
    acts = json.dumps([act.model_dump(mode="json") for act in own])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO supervision_template (id, site_id, version, acts, set_by, set_at)"
            " VALUES (?, ?, 3, ?, 'chief', '2026-03-01 04:00:00')",
            (uuid4().hex, site.hex, acts),
        )
    schema.upgrade(engine)
    with reading(engine) as session:
        found = templates.in_force(session, site)
    assert (found.version, len(found.acts)) == (3, len(own))
    assert [act.code for act in templates.offered(found)] == ["scales"]
    engine.dispose()
