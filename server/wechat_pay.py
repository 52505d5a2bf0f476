"""WeChat Pay (微信支付 APIv3, Native 支付) behind the gateway's port, through ``wechatpayv3``.

The library signs what we send and proves the signature of every answer. Only WeChat Pay's public
key is accepted, not its older platform certificates: nobody's notification makes this server fetch
certificates. Sources: 微信支付商户文档中心 (pay.weixin.qq.com/doc/v3): Native下单, 查询订单,
关闭订单, 退款申请, 支付成功回调通知, 使用微信支付公钥验签.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from requests import RequestException
from wechatpayv3 import WeChatPay as Client
from wechatpayv3 import WeChatPayType

from dafan.config import GatewaySettings
from dafan.errors import ConfigError
from dafan.money import Fen
from server.gateway import (
    GatewayError,
    NotGenuineError,
    Order,
    Paid,
    Refund,
    Standing,
    UnreachableError,
)

TIMEOUT_S = (3.05, 10)
"""To connect, and to wait for the answer."""
FRESH = timedelta(minutes=5)
"""Older notifications are refused, as WeChat Pay advises; it sends each again with a new time."""
_REFUNDS = {"SUCCESS": Refund.DONE, "PROCESSING": Refund.WAITING}
_OPEN = ("NOTPAY", "USERPAYING", "ACCEPT")


class WeChatPay:
    """One merchant's access."""

    name = "wechat"

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        try:
            self._client = Client(
                wechatpay_type=WeChatPayType.NATIVE,
                mchid=settings.mchid,
                appid=settings.appid,
                private_key=_read(settings.private_key_file, "private_key_file"),
                cert_serial_no=settings.certificate_serial,
                apiv3_key=_read(settings.apiv3_key_file, "apiv3_key_file").split("\n")[0].strip(),
                public_key=_read(settings.public_key_file, "public_key_file"),
                public_key_id=settings.public_key_id,
                notify_url=settings.notify_url,
                timeout=TIMEOUT_S,
            )
        except ConfigError:
            raise
        except Exception as error:  # the library raises nothing narrower
            raise ConfigError(
                f"[gateway] cannot be used: {error} Look at private_key_file and public_key_file"
            ) from error
        self._client._core._gate_way = settings.api_url  # noqa: SLF001 - it has no setting for it

    def create_order(self, order: Order) -> str:
        """Ask for an order to be paid; what the QR code has to say."""
        told = self._call(
            "pay",
            description=order.title,
            out_trade_no=order.id.hex,
            amount={"total": order.amount, "currency": "CNY"},
            time_expire=order.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        )
        code_url = told.get("code_url")
        if not isinstance(code_url, str):
            raise GatewayError("WeChat Pay sent no QR code")
        return code_url

    def query(self, order_id: UUID) -> Paid | Standing:
        """How an order stands."""
        try:
            told = self._call("query", out_trade_no=order_id.hex)
        except _RefusedError as refused:
            if refused.told in {"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"}:
                return Standing.CLOSED
            raise
        state = told.get("trade_state")
        if state in {"SUCCESS", "REFUND"}:
            return self._paid(told)
        return Standing.OPEN if state in _OPEN else Standing.CLOSED

    def close(self, order_id: UUID) -> None:
        """Let nobody pay an order any more; refused where it is paid."""
        self._call("close", out_trade_no=order_id.hex)

    def refund(self, paid: Paid, refund_id: UUID, reason: str) -> Refund:
        """Send the whole payment back; asked again with the same id, how that stands."""
        told = self._call(
            "refund",
            out_refund_no=refund_id.hex,
            out_trade_no=paid.order_id.hex,
            amount={"refund": paid.amount, "total": paid.amount, "currency": "CNY"},
            reason=reason[:80] or None,
        )
        return _REFUNDS.get(str(told.get("status")), Refund.FAILED)

    def verify_notify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Paid | None:
        """What a notification says; ``None`` where it tells of no payment."""
        if headers.get("Wechatpay-Serial") != self._settings.public_key_id:
            raise NotGenuineError("signed with a key that is not the one of the settings")
        if not _fresh(headers.get("Wechatpay-Timestamp", ""), now):
            raise NotGenuineError("too old, or from the future: check this server's clock")
        try:
            told = self._client.callback(headers, body)
        except Exception as error:  # the library raises nothing narrower, also for garbage
            raise NotGenuineError(f"cannot be read: {type(error).__name__}") from error
        if not told:
            raise NotGenuineError("the signature or the seal is wrong")
        if told.get("event_type") != "TRANSACTION.SUCCESS":
            return None
        return self._paid(told["resource"])

    def _paid(self, told: Mapping[str, Any]) -> Paid:
        """The payment that an answer or a notification tells of.

        Raises:
            NotGenuineError: it is another merchant's, another currency, or no payment.
        """
        settings = self._settings
        try:
            ours = (told["mchid"], told["appid"]) == (settings.mchid, settings.appid)
            amount = told["amount"]
            if not ours or amount.get("currency", "CNY") != "CNY":
                raise NotGenuineError("it belongs to another merchant, or is not in yuan")
            return Paid(
                UUID(hex=told["out_trade_no"]), str(told["transaction_id"])[:64],
                Fen(int(amount["total"])),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotGenuineError("it tells of a payment that is not one of ours") from error

    def _call(self, name: str, **values: Any) -> dict[str, Any]:
        try:
            status, text = getattr(self._client, name)(**values)
        except RequestException as error:
            raise UnreachableError(f"no answer: {type(error).__name__}") from error
        except Exception as error:  # the library raises nothing narrower for a wrong signature
            raise UnreachableError(f"the answer cannot be trusted: {error}") from error
        told = _json(text)
        if 200 <= status < 300:
            return told
        code = str(told.get("code", status))
        if status >= 500 or status == 429 or code == "SYSTEM_ERROR":
            raise UnreachableError(f"WeChat Pay is busy: {code}")
        raise _RefusedError(code, str(told.get("message", "")))


class _RefusedError(GatewayError):
    """WeChat Pay says no, and why."""

    def __init__(self, told: str, message: str) -> None:
        super().__init__(f"WeChat Pay refuses: {told} {message}"[:300])
        self.told = told


def _json(text: str | bytes) -> dict[str, Any]:
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _fresh(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        return False
    return abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= FRESH


def _read(path: Path | None, name: str) -> str:
    if path is None:
        raise ConfigError(f"[gateway] needs {name}: name the file that holds it")
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[gateway] {name}: {path} cannot be read: {error}") from error
    if not text:
        raise ConfigError(f"[gateway] {name}: {path} is empty")
    return text
