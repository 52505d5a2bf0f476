"""What the till's screen shows: plain values, made by ``pos.station.view``, drawn by ``pos.kiosk``.

The view speaks no language: notices are codes with parameters, and ``pos.kiosk.texts`` has a
sentence for each of them in Chinese and in English.

What the page sends back (``Till.press(action, **params)``, every parameter a string):

========== ===================== ====================================================
action     params                meaning
========== ===================== ====================================================
cancel                           not me, or start again; also leaves a question
way        way                   other way to pay: ``card qr staff_no cash help face``
pick                             open the list of counted dishes; nobody is looked for
picked                           the list is complete: go on to paying
add        dish, portion         one more portion (``full half small``)
remove     line                  take a counted line out, by :attr:`Line.key`
digits     digits                the answer to a question for a PIN or staff number
yes                              the answer to :attr:`AskWhat.AGAIN` or ``CASH``
retry                            write the same sale again after a failure
reprint                          print the last receipt again
card       number                a reader that types has read a card or a QR code
staff                            the staff's desk, while nobody pays
void       sale                  choose a sale to take back, by :attr:`SoldRow.id`
reason     reason                why: a key of :data:`pos.staffdesk.REASONS`
shift                            close the shift
camera                           the camera's whole picture and the payment zone
========== ===================== ====================================================

At the desk ``digits`` answer for number, PIN and counted fen, ``yes`` confirms, ``cancel`` goes a
step back and in the end gives the screen back to the diners.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dafan.money import Fen
from dafan.units import Grams

_NOTHING = Fen(0)


class Screen(StrEnum):
    """What fills the screen."""

    SETUP = "setup"
    """No snapshot yet, or not enrolled: nothing can be sold."""
    PLACE = "place"
    PICK = "pick"
    LOOK = "look"
    ASK = "ask"
    CONFIRM = "confirm"
    PAID = "paid"
    PROBLEM = "problem"
    DESK = "desk"
    """The staff has signed in."""


class Level(StrEnum):
    """Circle with a tick, triangle, octagon."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"


class Device(StrEnum):
    """Whether a device works, wants a hand (no paper), or is not there."""

    OK = "ok"
    WARN = "warn"
    OFF = "off"


class AskWhat(StrEnum):
    """What the till waits for on :attr:`Screen.ASK`."""

    PIN = "pin"
    STAFF_NO = "staff_no"
    CARD = "card"
    QR = "qr"
    CASH = "cash"
    """The cashier takes the money and presses yes."""
    AGAIN = "again"
    """The same diner paid here a moment ago: is this a second meal?"""
    DESK_NO = "desk_no"
    DESK_PIN = "desk_pin"
    COUNTED = "counted"
    """How much money lies in the drawer, in fen."""


class NoticeCode(StrEnum):
    """Everything that the till can tell a diner. Parameters stand behind each code."""

    # the scale
    UNSTABLE = "unstable"
    OVERLOAD = "overload"
    NEGATIVE = "negative"
    SCALE_ERROR = "scale_error"
    SCALE_OFF = "scale_off"
    SCALE_UNVERIFIED = "scale_unverified"
    SCALE_EXPIRED = "scale_expired"
    SCALE_FAILED = "scale_failed"
    SCALE_CHECK_DUE = "scale_check_due"
    BELOW_MINIMUM = "below_minimum"  # minimum
    SMALL_FREE = "small_free"  # minimum
    CLEAR_SCALE = "clear_scale"
    TRAY_LIFTED = "tray_lifted"
    WEIGHT_CHANGED = "weight_changed"
    PRICE_MISSING = "price_missing"
    # the face
    NO_FACE = "no_face"
    TOO_FAR = "too_far"
    OFF_CENTRE = "off_centre"
    TURNED_AWAY = "turned_away"
    TOO_DARK = "too_dark"
    BLURRED = "blurred"
    TWO_FACES = "two_faces"
    UNKNOWN_FACE = "unknown_face"
    FACE_COVERED = "face_covered"
    NOT_LIVE = "not_live"
    FACE_CHANGED = "face_changed"
    LOOKALIKE = "lookalike"
    SECOND_FACTOR = "second_factor"
    CAMERA_OFF = "camera_off"
    # the diner
    FROZEN = "frozen"
    LEFT = "left"
    INSUFFICIENT = "insufficient"  # short_fen
    FULL_PRICE = "full_price"  # total_fen
    ALLERGENS = "allergens"  # found_labels
    MEAL_LIMIT = "meal_limit"  # limit_fen
    DAILY_LIMIT = "daily_limit"  # limit_fen
    OFFLINE_LIMIT = "offline_limit"
    NOT_KNOWN_HERE = "not_known_here"
    WITHDRAWN = "withdrawn"
    PAID_BEFORE = "paid_before"
    # other ways
    CARD_UNKNOWN = "card_unknown"
    CARD_LOST = "card_lost"
    QR_UNKNOWN = "qr_unknown"
    STAFF_NO_UNKNOWN = "staff_no_unknown"
    PIN_WRONG = "pin_wrong"  # tries
    PIN_LOCKED = "pin_locked"  # minutes
    PIN_NONE = "pin_none"
    HELP = "help"
    # what was ordered ahead
    PICK_UP_UNKNOWN = "pick_up_unknown"
    PICK_UP_SOLD = "pick_up_sold"
    PICK_UP_ALONE = "pick_up_alone"
    # the basket
    EMPTY_BASKET = "empty_basket"
    BASKET_FULL = "basket_full"
    DISH_GONE = "dish_gone"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    # the staff's desk
    CLERK_WRONG = "clerk_wrong"  # tries
    CLERK_LOCKED = "clerk_locked"  # minutes
    VOID_BEFORE = "void_before"
    VOID_LATE = "void_late"
    SOLD_MEANWHILE = "sold_meanwhile"
    DESK_FAILED = "desk_failed"
    # the till
    WRITE_FAILED = "write_failed"
    NOT_READY = "not_ready"
    NOT_ENROLLED = "not_enrolled"
    REVOKED = "revoked"
    NO_PAPER = "no_paper"
    PRINTER_OFF = "printer_off"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence by its code.

    A parameter whose name ends in ``_fen`` is shown as money; in ``_labels`` are names of
    ``pos.kiosk.labels`` with commas between them.
    """

    code: NoticeCode
    level: Level = Level.WARN
    params: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A basket line. ``grams`` belongs to weighed lines; ``unit_price`` is fen per kg or piece."""

    name: str
    amount: Fen | None
    """None while the dish has no price."""
    unit_price: Fen | None = None
    grams: Grams | None = None
    quantity: int = 1
    portion: str = "full"
    key: str = ""
    """What to send with ``remove``; empty: the line came from the scale."""


@dataclass(frozen=True, slots=True)
class Who:
    """The diner, already masked: those who stand behind read 张*."""

    name: str
    department: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """Fen after this payment (before it, while it is not yet paid)."""

    subsidy: Fen
    cash: Fen


@dataclass(frozen=True, slots=True)
class Today:
    """The diner's day and month, this payment included once it is paid."""

    meal_number: int
    spent: Fen
    month_meals: int
    month_spent: Fen


@dataclass(frozen=True, slots=True)
class Energy:
    """What a meal gives, estimated from recipes."""

    kcal: int
    """In tens."""
    permille: int
    """Of the diner's own goal, else of a third of a day's reference value."""
    at_least: bool
    """Not every dish is known: there is more in it than this."""
    goal_kcal: int | None = None
    """What the diner wants of a meal at most; over it he is told so."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A dish on today's list; prices are fen per kg or per portion."""

    id: str
    name: str
    unit: str
    """``kg`` or ``piece``."""
    price: Fen | None
    half: Fen | None = None
    small: Fen | None = None
    category: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the till stands."""

    site: str = ""
    venue: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Devices:
    """Health of what hangs on the till."""

    scale: Device = Device.OFF
    camera: Device = Device.OFF
    printer: Device = Device.OFF
    reader: Device = Device.OFF


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the diner or to the cashier."""

    what: AskWhat
    length: int = 0
    """Digits expected; 0: any number."""
    typed: str = ""
    """What the question is about, such as the staff number that was typed before the PIN."""


@dataclass(frozen=True, slots=True)
class SoldRow:
    """A sale on the desk's list."""

    id: str
    clock: str
    """Site time, ``11:42``."""
    who: str
    """Masked; empty for cash."""
    tender: str
    amount: Fen
    subsidy: Fen
    number: str
    """As it stands on the receipt."""
    voided: bool = False


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """A shift's figures; fen, what was taken back is off."""

    since: str
    sales: int
    voids: int
    subsidy: Fen
    cash: Fen
    drawer: Fen
    counted: Fen | None = None


@dataclass(frozen=True, slots=True)
class DeskView:
    """What the staff sees. One of ``row``, ``shift``, ``aim_s`` is set, or none: the sales."""

    name: str
    """Who has signed in."""
    rows: tuple[SoldRow, ...] = ()
    row: SoldRow | None = None
    reasons: tuple[str, ...] = ()
    reason: str = ""
    shift: ShiftRow | None = None
    done: bool = False
    """It is written: the void of ``row``, or ``shift``."""
    camera: bool = False
    """There is a camera to look through."""
    aim_s: int | None = None
    """The camera's whole picture is to be shown, for so many seconds."""


@dataclass(frozen=True, slots=True)
class View:
    """One picture of the till."""

    screen: Screen
    clock: str = ""
    """Site time, ``11:42``."""
    period: str = ""
    """Name of the meal period, as the policy spells it."""
    place: Place = field(default_factory=Place)
    grams: Grams | None = None
    stable: bool = False
    lines: tuple[Line, ...] = ()
    list_total: Fen | None = None
    discount: Fen = _NOTHING
    total: Fen | None = None
    who: Who | None = None
    balance: Balance | None = None
    subsidy_paid: Fen | None = None
    """The part of ``total`` that came from the subsidy wallet."""
    today: Today | None = None
    points: int | None = None
    energy: Energy | None = None
    """None: nothing is known, or the diner does not wish to see it."""
    progress: int = 0
    """Permille of the agreement that recognition needs."""
    countdown_ms: int | None = None
    """What is left of ``countdown_of_ms`` before the payment; None or 0: it is being written."""
    countdown_of_ms: int = 0
    notice: Notice | None = None
    ask: Ask | None = None
    offline: bool = False
    waiting_entries: int = 0
    devices: Devices = field(default_factory=Devices)
    face: bool = True
    """Faces are a way to pay here: there is a camera and the policy allows it."""
    cash: bool = True
    """Cash is a way to pay here."""
    reprint: bool = False
    """There is a printer and a last receipt."""
    staffed: bool = False
    """The staff may sign in now."""
    orders: bool = False
    """The list of dishes takes the code of an order, held to the camera."""
    desk: DeskView | None = None
    menu: tuple[MenuItem, ...] = ()
