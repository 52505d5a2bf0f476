"""我的托盘: what is on the diner's tray now, growing, and the receipts once it is settled."""

from flask import render_template

from server import line, line_setup, line_view
from server.access import diner
from server.pages.me.blueprint import me, who
from server.pages.shared import reading
from server.phone_menu import DAY_KCAL


@me.get("/tray")
@diner
def tray_page() -> str:
    """The last tray that he took."""
    return _shown("me/tray.html")


@me.get("/tray/now")
@diner
def tray_now() -> str:
    """The part of the page that grows."""
    return _shown("me/_tray.html")


def _shown(template: str) -> str:
    mine = who()
    with reading() as session:
        row = line.current(session, mine.diner_id)
        tray = line_view.tray(session, row) if row else None
        return render_template(
            template,
            tab="home",
            tray=tray,
            number=line_setup.numbers(session, mine.site_id, {row.tray}) if row else {},
            kcal=line_view.kcal(session, mine.site_id, tray) if tray else None,
            DAY_KCAL=DAY_KCAL,
        )
