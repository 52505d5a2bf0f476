"""What the diner sees of a return station's state: every text in Chinese and in English. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

from pos.kiosk.plate_texts import NONE, TEXTS, Text, fill
from pos.plate import Known, Sent, State, Told
from pos.view import Device

Tone = Literal["calm", "ok", "warn", "stop"]
_TONES: Mapping[str, Tone] = {
    "clean": "ok", "later": "calm", "left_over": "warn", "too_light": "warn", "no_meal": "warn",
    "too_soon": "warn", "too_late": "warn", "again": "calm", "no_tray": "stop", "failed": "stop",
}  # fmt: skip
"""A sign of its own goes with each; colour alone says nothing."""


@dataclass(frozen=True, slots=True)
class PlateView:
    """One picture of the station.

    Attributes:
        screen: What is drawn: the tray, the sign of a verdict.
        tone: Its colour and its sign.
        title: The matter.
        advice: What to do, or what it means.
        notice: A line above all else; a code of ``pos.kiosk.plate_texts``.
        figure: In the largest type: ``+1``, ``120``; with its unit.
    """

    screen: Literal["setup", "ready", "tray", "sent", "told"]
    tone: Tone = "calm"
    title: Text = NONE
    advice: Text = NONE
    notice: Text | None = None
    figure: str = ""
    unit: Text = NONE
    name: str = ""
    clock: str = ""
    place: str = ""
    grams: int | None = None
    offline: bool = False
    waiting: int = 0


def view(state: State) -> PlateView:
    """The screen of a state."""
    shown = _common(state)
    if not state.catalogue.ready or state.health.revoked:
        code = "revoked" if state.health.revoked else "setup"
        return _say(replace(shown, screen="setup"), code)
    phase = state.phase
    if isinstance(phase, Told):
        return _told(phase, shown)
    if isinstance(phase, Sent):
        return _say(replace(shown, screen="sent", name=phase.name), "sent")
    if isinstance(phase, Known):
        waits = "tray" if state.armed or not state.loaded else "clear"
        return _say(replace(shown, screen="tray", name=phase.name), waits)
    if state.loaded and state.armed:
        return _say(replace(shown, screen="ready"), "card")
    return _say(replace(shown, screen="ready"), "ready")


def _common(state: State) -> PlateView:
    terminal, policy, health = state.catalogue.terminal, state.catalogue.policy, state.health
    clock = ""
    if policy is not None:
        clock = state.at.now.astimezone(ZoneInfo(policy.time_zone)).strftime("%H:%M")
    code = state.notice or ("scale_off" if _scale_is_silent(state) else "")
    return PlateView(
        "ready",
        notice=TEXTS[code][0] if code else None,
        clock=clock,
        place=f"{terminal.venue_name} · {terminal.name}" if terminal else "",
        grams=state.weight,
        offline=health.offline,
        waiting=health.waiting,
    )


def _scale_is_silent(state: State) -> bool:
    silent = state.elapsed - state.pan.arrived > 2 * state.timing.stale
    return state.health.scale is Device.OFF or silent


def _told(phase: Told, shown: PlateView) -> PlateView:
    answer = phase.answer
    code = answer.verdict if answer else ("failed" if phase.failed else "later")
    code = code if code in TEXTS else "later"
    said = replace(shown, screen="told", tone=_TONES.get(code, "calm"), name=phase.name)
    if answer is None:
        return _say(said, code)
    numbers = {"points": answer.points, "left": answer.left, "balance": answer.balance}
    if code == "clean":
        said = replace(said, figure=f"+{answer.points}", unit=TEXTS["points"][0])
    elif code == "left_over":
        said = replace(said, figure=str(answer.left), unit=TEXTS["grams"][0])
    return _say(said, code, **numbers)


def _say(shown: PlateView, code: str, **numbers: int) -> PlateView:
    title, advice = TEXTS[code]
    return replace(shown, title=fill(title, numbers), advice=fill(advice, numbers))
