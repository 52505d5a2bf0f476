"""What a site teaches, and who of its people still has to pass it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kitchen import staff
from kitchen.training import Attempt, Course


def courses(session: Session, site_id: UUID) -> Sequence[Course]:
    """All courses by title, retired ones too; a site has few."""
    query = select(Course).where(Course.site_id == site_id).order_by(Course.title)
    return session.scalars(query).all()


def waiting(session: Session, site_id: UUID, day: date) -> dict[UUID, list[str]]:
    """Who still has to pass: course → names of the people that need it and have not."""
    good = {
        (row.course_id, row.worker_id)
        for row in session.scalars(
            select(Attempt).where(Attempt.site_id == site_id, Attempt.good_until >= day)
        )
    }
    workers = staff.page(session, site_id, active_only=True, limit=staff.MAX_PAGE)
    return {
        course.id: [
            one.name
            for one in workers
            if course.post in {"", one.post} and (course.id, one.id) not in good
        ]
        for course in courses(session, site_id)
        if course.active
    }
