"""The port to a payment gateway: what the books need from it, whoever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from dafan.config import GatewaySettings
from dafan.errors import DafanError
from dafan.money import Fen


class GatewayError(DafanError):
    """The gateway refuses, for a reason that sending again does not mend."""

    code = "gateway_refused"


class UnreachableError(GatewayError):
    """The gateway did not answer: nobody knows yet whether it did what was asked."""

    code = "gateway_unreachable"


class NotGenuineError(GatewayError):
    """A notification is not the gateway's, or was altered on its way."""

    code = "not_genuine"


@dataclass(frozen=True, slots=True)
class Order:
    """What a diner is asked to pay.

    Attributes:
        id: Ours; the gateway takes it once for ever.
        amount: Fen.
        title: What the diner reads on his phone.
        expires_at: Aware UTC; afterwards nobody can pay it.
    """

    id: UUID
    amount: Fen
    title: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Paid:
    """The gateway says that an order is paid.

    Attributes:
        order_id: Ours.
        gateway_id: The gateway's name of the payment.
        amount: Fen that were paid.
    """

    order_id: UUID
    gateway_id: str
    amount: Fen


class Standing(StrEnum):
    """How an order that is not paid stands at the gateway."""

    OPEN = "open"
    CLOSED = "closed"


class Refund(StrEnum):
    """How a refund stands at the gateway."""

    DONE = "done"
    WAITING = "waiting"
    FAILED = "failed"


class Gateway(Protocol):
    """One gateway. Every call may be repeated: the order's id makes that harmless.

    All of them raise :class:`UnreachableError` where nobody knows what became of the call, and
    :class:`GatewayError` where it was refused.
    """

    name: str

    def create_order(self, order: Order) -> str:
        """Ask for an order to be paid; what the QR code has to say."""

    def query(self, order_id: UUID) -> Paid | Standing:
        """How an order stands."""

    def close(self, order_id: UUID) -> None:
        """Let nobody pay an order any more; refused where it is paid."""

    def refund(self, paid: Paid, refund_id: UUID, reason: str) -> Refund:
        """Send the whole payment back; asked again with the same id, how that stands."""

    def verify_notify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Paid | None:
        """What a notification says; ``None`` where it tells of no payment.

        Raises:
            NotGenuineError: it is not the gateway's.
        """


def open_gateway(settings: GatewaySettings) -> Gateway | None:
    """The gateway of the settings; ``None`` where none is set up.

    Raises:
        ConfigError: a file of keys is missing or unreadable.
    """
    if not settings.mchid:
        return None
    from server.wechat_pay import WeChatPay  # noqa: PLC0415 - its HTTP client is for those who pay

    return WeChatPay(settings)
