"""Opens the demo's weigh line: dishes by weight, trays, a staff card, verified scales."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from kitchen import dishes as kitchen_dishes
from server import dishes, line_setup, scale_rules, scales, sites, terminals
from server.actor import Actor
from server.scale_book import ScaleValues, VerificationValues

PANS = (("宫保鸡丁（称重）", 3980), ("清炒时蔬（称重）", 1980), ("番茄炒蛋（称重）", 2580))
"""Dish, and fen for a kilogram; station by station."""
TRAYS = tuple(f"E28011700000020D0000{number:04d}" for number in range(1, 21))
STAFF_CARD = "E2801170000002FF00000001"
_PLATE = ScaleValues(model="ACS-15", serial="", max_grams=15_000, e_grams=5)


def open_line(session: Session, actor: Actor, box_id: UUID) -> int:
    """Set up a box's stations; again, it changes nothing.

    Args:
        session: Writes.
        actor: Who seeds.
        box_id: The terminal that drives the stations.

    Returns:
        How many stations it has.

    Raises:
        UnknownTerminalError: not a terminal of this site.
    """
    terminals.get(session, actor.site_id, box_id)
    line_setup.add_trays(session, actor, [(tag, tag[-2:]) for tag in TRAYS])
    if not line_setup.cards(session, actor.site_id):
        line_setup.add_card(session, actor, STAFF_CARD, "甲子")
    there = {(row.terminal_id, row.station) for row in line_setup.stations(session, actor.site_id)}
    for station, (name, price) in enumerate(PANS, start=1):
        if (box_id, station) in there:
            continue
        dish_id = _dish(session, actor, name, price)
        line_setup.set_station(
            session, actor, box_id, station, label=f"{station} 号位", dish_id=dish_id
        )
        _verified(session, actor, box_id, station)
    return len(PANS)


def _dish(session: Session, actor: Actor, name: str, price: int) -> UUID:
    known = kitchen_dishes.find_by_name(session, actor.site_id, name)
    if known is not None:
        return known.id
    values = kitchen_dishes.read_values(
        {"name": name, "category": "自选称重", "unit": "kg", "price": price, "sampled": False}
    )
    return dishes.create(session, actor, values).id


def _verified(session: Session, actor: Actor, box_id: UUID, station: int) -> None:
    values = _PLATE.model_copy(update={"serial": f"D{station:04d}"})
    try:
        row = scales.create(session, actor, box_id, station, values)
    except BadInputError:
        return  # written down already
    today = scale_rules.site_date(sites.policy(session, actor.site_id), actor.at)
    papers = VerificationValues(
        certificate=f"示范-{station:04d}", verified_on=today,
        verified_until=today + timedelta(days=365),
    )  # fmt: skip
    scales.verify(session, actor, f"demo-{box_id}-{station}", row.id, papers)
