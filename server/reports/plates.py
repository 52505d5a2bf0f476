"""Trays that came back, as measures: judged ones of a meal, clean ones, what was left on them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from kitchen.clean_plate import Verdict
from server.plate_book import PlateReturnRow
from server.reports.cost_rows import Row
from server.reports.kept import once
from server.reports.readings import Answer, folded
from server.reports.scope import Dimension, Scope

CODES = ("plates_returned", "plates_clean", "plates_left")
_JUDGED = (Verdict.CLEAN.value, Verdict.LEFT_OVER.value)


def plates(
    session: Session, site_id: UUID, scope: Scope, by: Sequence[Dimension], _codes: Collection[str]
) -> Answer:
    """Of each meal at each venue; a tray that could not be judged tells nothing."""
    key = site_id, scope.since, scope.until

    def read() -> list[Row]:
        row = PlateReturnRow
        cut = row.business_date, row.period, row.venue_id
        clean = func.sum(case((row.verdict == Verdict.CLEAN.value, 1), else_=0))
        query = (
            select(*cut, func.count(), clean, func.sum(row.left_grams))
            .where(
                row.site_id == site_id, row.business_date.between(scope.since, scope.until),
                row.verdict.in_(_JUDGED),
            )
            .group_by(*cut)
        )  # fmt: skip
        return [
            (day, period, venue, None, None, int(count), int(good), int(left))
            for day, period, venue, count, good, left in session.execute(query)
        ]

    return folded(once(session, ("plates", *key), read), scope, by, CODES)
