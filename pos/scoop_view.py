"""What the display of a scoop station shows of its state; its words stand in the page. Pure."""

from dataclasses import dataclass, replace
from typing import Literal

from dafan.food import KNOWN_ENOUGH
from dafan.line import ALARMS, PanChange, ScoopTaken, TrayState
from dafan.money import Fen, price_of_weight
from dafan.units import Grams
from pos.scoop_book import tab_of_tray
from pos.scoop_state import State, session_of

Screen = Literal["shut", "ready", "tray", "crowd", "wait", "told", "alarm", "refill", "lifted"]
_NO_GRAMS, _NO_FEN = Grams(0), Fen(0)


@dataclass(frozen=True, slots=True)
class ScoopView:
    """One picture of a station.

    Attributes:
        screen: ``shut`` closed, for the reason ``code``; ``ready`` waits for a tray; ``tray`` one
            is there, scoop; ``crowd`` two are there, one must go; ``wait`` the weight is not at
            rest yet (``code`` ``place``: no pan stands there yet); ``told`` the tray has gone and
            is charged; ``alarm`` food moved without a tray that can be charged (``code``: a
            :class:`dafan.line.PanChange`); ``refill`` staff has opened the pan; ``lifted`` the pan
            is off or was changed without a staff card.
        code: Of ``shut``: a ``pos.scoop_state.Shut``, ``scale`` (silent) or ``disk`` (full).
        price: Fen for ``per`` grams.
        energy: Kilocalories of 100 g, where they are known.
        allergens: Of the dish; ``warned``: those of them that the tray's diner must not eat.
        name: The diner, masked; empty where nobody knows him.
        unbound: Loudly: nobody has taken this tray at the entrance.
        gone: As loudly: ``lost`` or ``retired``, this tray should be in nobody's hands.
        grams: Live: taken since the last charge, below zero: put back; at most a division off.
        fen: What that comes to.
        tray_grams: With this, what the tray has of this pan in all; ``tray_fen`` what it comes to.
        spent: What the tray owes in all, as far as is known here.
        over_cap: It is enough: go and pay.
        moving: The weight is not at rest.
        charged: The charge that was written a moment ago.
    """

    screen: Screen
    code: str = ""
    label: str = ""
    dish: str = ""
    price: Fen = _NO_FEN
    per: int = 100
    energy: int | None = None
    allergens: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    name: str = ""
    unbound: bool = False
    gone: str = ""
    grams: Grams = _NO_GRAMS
    fen: Fen = _NO_FEN
    tray_grams: Grams = _NO_GRAMS
    tray_fen: Fen = _NO_FEN
    spent: Fen = _NO_FEN
    over_cap: bool = False
    moving: bool = False
    charged: ScoopTaken | None = None
    offline: bool = False
    waiting: int = 0


def view(state: State) -> ScoopView:
    """The display of a state."""
    shown, here = _common(state), state.here
    screen, code = _not_now(state)
    if screen != "ready":
        return replace(shown, screen=screen, code=code)
    if len(here) == 1:
        return _tray(state, shown, next(iter(here)))
    return _told(state, shown)


def _not_now(state: State) -> tuple[Screen, str]:
    """Why nobody may scoop or has to wait, with its reason; else ``ready``."""
    here = state.here
    reasons: tuple[tuple[object, Screen, str], ...] = (
        (state.shut, "shut", state.shut),
        (state.failed is not None, "shut", "disk"),
        (state.silent, "shut", "scale"),
        (state.refill, "refill", ""),
        (state.pan_id is None, "wait", "place"),
        (state.lifted is not None, "lifted", ""),
        (len(here) > 1, "crowd", ""),
        (not here and (state.owner or state.blind), "wait", ""),
    )
    return next(((screen, code) for why, screen, code in reasons if why), ("ready", ""))


def _common(state: State) -> ScoopView:
    line, offer = state.line, state.offer
    per, food = line.rules.price_unit, line.food
    held = food.per_100g.get("energy_kcal") if food is not None else None
    entry = state.told.entry if state.told is not None else None
    return ScoopView(
        "ready",
        label=line.station.label if line.station is not None else "",
        dish=offer.name if offer is not None else "",
        price=price_of_weight(Grams(per), offer.price) if offer is not None else _NO_FEN,
        per=per,
        energy=round(held.milli / 1000) if held and held.known >= KNOWN_ENOUGH else None,
        allergens=food.allergens if food is not None else (),
        moving=state.pan.rest is None,
        charged=entry if isinstance(entry, ScoopTaken) else None,
        offline=state.health.offline,
        waiting=state.health.waiting,
    )


def _tray(state: State, shown: ScoopView, tag: str) -> ScoopView:
    tray, offer = state.line.trays.get(tag), state.offer
    known = session_of(state, tag) is not None
    begins = state.latch if state.owner == {tag} else state.rest
    newest = state.pan.newest
    grams = Grams(begins - newest) if newest is not None else _NO_GRAMS
    grams = grams if abs(grams) > state.e_grams else _NO_GRAMS
    tab = tab_of_tray(state, tag)
    after = tab
    if grams > 0 and offer is not None:
        after = tab.take(grams, offer.price)
    elif grams < 0:
        after = tab.put_back(Grams(min(-grams, tab.grams)))
    tray_state = state.line.trays_of_site.get(tag, TrayState.ACTIVE)
    fen = Fen(after.amount - tab.amount)
    spent = Fen(max(tray.spent if tray is not None and known else 0, tab.amount) + fen)
    charged = shown.charged if shown.charged is not None and shown.charged.tray == tag else None
    return replace(
        shown, screen="tray", name=tray.name if tray is not None and known else "",
        gone="" if tray_state is TrayState.ACTIVE else tray_state.value,
        unbound=not known and not state.unsure,
        warned=tuple(each for each in shown.allergens if tray is not None and each in tray.warns),
        grams=grams, fen=fen, tray_grams=after.grams, tray_fen=after.amount,
        spent=spent, over_cap=spent >= state.line.rules.cap, charged=charged,
    )  # fmt: skip


def _told(state: State, shown: ScoopView) -> ScoopView:
    entry = state.told.entry if state.told is not None else None
    if isinstance(entry, ScoopTaken):
        tab = tab_of_tray(state, entry.tray)
        return replace(
            shown, screen="told", grams=entry.grams, fen=entry.amount, tray_grams=tab.grams,
            tray_fen=tab.amount, spent=tab.amount,
        )  # fmt: skip
    if entry is not None and entry.kind in ALARMS and entry.kind is not PanChange.OUTAGE:
        return replace(shown, screen="alarm", code=entry.kind.value)
    return shown
