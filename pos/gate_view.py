"""What a diner sees of a gate's state: every text in Chinese and in English. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from dafan.money import format_yuan
from pos.gate_state import Claim, State, Told, Writing
from pos.kiosk.gate_texts import TEXTS
from pos.kiosk.plate_texts import NONE, Text
from pos.view import Device

Tone = Literal["calm", "ok", "warn", "stop"]
_TONES: Mapping[str, Tone] = {
    "go": "ok", "again": "ok", "bill": "ok", "ended": "ok", "has_tray": "warn", "withdrawn": "warn",
    "poor": "warn", "pin_locked": "warn",
}  # fmt: skip
"""Whatever else is told is a stop. A sign of its own goes with each."""


@dataclass(frozen=True, slots=True)
class GateView:
    """One picture of the gate.

    Attributes:
        screen: What is drawn.
        tone: Its colour and its sign.
        title: The matter.
        advice: What to do, or what it means.
        notice: A line above all else.
        figure: In the largest type: yuan.
        hint: What to do better before the camera.
        progress: Permille of the frames that are to agree.
        pin: A PIN can be typed.
        buttons: Actions of :class:`pos.gate_state.Pressed`, with their texts.
    """

    screen: Literal["setup", "ready", "who", "look", "pin", "tray", "writing", "told"]
    tone: Tone = "calm"
    title: Text = NONE
    advice: Text = NONE
    notice: Text | None = None
    figure: str = ""
    name: str = ""
    hint: Text | None = None
    progress: int = 0
    buttons: tuple[tuple[str, Text], ...] = ()
    clock: str = ""
    place: str = ""
    offline: bool = False
    waiting: int = 0


def view(state: State) -> GateView:  # noqa: PLR0911 - one for each kind of screen
    """The screen of a state."""
    shown = _common(state)
    if not state.open:
        return _say(replace(shown, screen="setup"), "revoked" if state.health.revoked else "setup")
    phase = state.phase
    if isinstance(phase, Told):
        return _told(state, phase, shown)
    if isinstance(phase, Writing):
        return _say(replace(shown, screen="writing", name=phase.name), "writing")
    if isinstance(phase, Claim):
        shown = replace(shown, name=phase.name, buttons=_buttons("cancel"))
        if not phase.proved and not phase.pin:
            return _say(replace(shown, screen="who"), "pin_none")
        if not phase.proved:
            code = "lookalike" if phase.lookalike else "pin"
            return _say(replace(shown, screen="pin"), code)
        return _say(replace(shown, screen="tray"), "tray")
    if state.waits:
        shown = replace(shown, buttons=_buttons("return") if state.role == "both" else ())
        if state.looking_since is None:
            return _say(replace(shown, screen="who"), "who")
        code = str(state.hint.value) if state.hint else ""
        hint = TEXTS[code][0] if code in TEXTS else None
        shown = replace(shown, screen="look", hint=hint, progress=state.progress)
        return _say(shown, "who_face")
    return _say(shown, f"ready_{state.role}")


def _common(state: State) -> GateView:
    terminal, health = state.catalogue.terminal, state.health
    code = state.notice or ("reader_off" if health.scale is Device.OFF else "")
    return GateView(
        "ready",
        notice=TEXTS[code][0] if code else None,
        clock=_clock(state, state.at.now),
        place=f"{terminal.venue_name} · {terminal.name}" if terminal else "",
        offline=health.offline,
        waiting=health.waiting,
    )


def _clock(state: State, moment: datetime) -> str:
    policy = state.catalogue.policy
    if policy is None:
        return ""
    return moment.astimezone(ZoneInfo(policy.time_zone)).strftime("%H:%M")


def _told(state: State, phase: Told, shown: GateView) -> GateView:
    code = "bill" if phase.total is not None else phase.code
    shown = replace(shown, screen="told", tone=_TONES.get(code, "stop"), name=phase.name)
    if phase.found:
        shown = replace(shown, notice=TEXTS[f"found_{phase.found}"][0])
    if phase.total is not None:
        shown = replace(shown, figure=format_yuan(phase.total))
    since = _clock(state, phase.bound_at) if phase.bound_at else ""
    return _say(shown, code, since=since, short=format_yuan(phase.short))


def _buttons(*actions: str) -> tuple[tuple[str, Text], ...]:
    return tuple((action, TEXTS[action][0]) for action in actions)


def _say(shown: GateView, code: str, **said: str) -> GateView:
    title, advice = (Text(one.zh.format(**said), one.en.format(**said)) for one in TEXTS[code])
    return replace(shown, title=title, advice=advice)
