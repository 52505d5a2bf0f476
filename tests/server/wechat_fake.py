"""WeChat Pay's HTTP side on loopback: real signatures, real seals, keys made for the test.

It holds its orders in memory, proves the merchant's signature of every request, signs every answer,
and sends notifications as WeChat Pay does. Written from the merchant documentation of APIv3, apart
from the library that the server uses.
"""

import base64
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask, Response, request
from werkzeug.serving import make_server

from dafan.config import GatewaySettings

MCHID, APPID, KEY_ID = "1230000109", "wx0000000000000001", "PUB_KEY_ID_0112300001"
_AUTHORIZATION = re.compile(r'(\w+)="([^"]*)"')


@cache
def _key(_whose: str) -> rsa.RSAPrivateKey:
    """Made once for all tests: it takes as long as most of them."""
    return rsa.generate_private_key(65537, 2048)


@dataclass
class FakeWeChat:
    """One WeChat Pay with one merchant."""

    folder: Path
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    refund_status: str = "SUCCESS"
    drop_answers: int = 0
    """So many answers are lost on the way, after the work is done."""
    forge_answers: bool = False
    """Sign answers with a key that is not WeChat Pay's."""
    url: str = ""
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key, self.merchant, self.stranger = _key("wechat"), _key("merchant"), _key("stranger")
        self.seal = secrets.token_hex(16)
        private = self.merchant.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )  # fmt: skip
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.folder / "merchant.pem").write_bytes(private)
        (self.folder / "wechat.pem").write_bytes(public)
        (self.folder / "apiv3.key").write_text(self.seal + "\n")

    def settings(self) -> GatewaySettings:
        """As the merchant writes them into dafan.toml."""
        return GatewaySettings(
            mchid=MCHID, appid=APPID, certificate_serial="444F4864EA9B34415",
            private_key_file=self.folder / "merchant.pem",
            apiv3_key_file=self.folder / "apiv3.key", public_key_id=KEY_ID,
            public_key_file=self.folder / "wechat.pem",
            notify_url="https://canteen.example/api/v1/payments/wechat/notify", api_url=self.url,
        )  # fmt: skip

    # --- what the diner does ---

    def pay(self, order_id: UUID, fen: int | None = None) -> None:
        """The diner scans the code and pays."""
        order = self.orders[order_id.hex]
        order["trade_state"] = "SUCCESS"
        order["transaction_id"] = f"42000{len(self.orders):023d}"
        if fen is not None:
            order["amount"] = {"total": fen, "currency": "CNY"}

    def notification(
        self, order_id: UUID, at: datetime, *, event: str = "TRANSACTION.SUCCESS",
        forged: bool = False, **changes: Any,
    ) -> tuple[dict[str, str], bytes]:  # fmt: skip
        """Headers and body of the notification of a paid order."""
        plain = json.dumps(self._told(order_id.hex) | changes)
        nonce, name = secrets.token_hex(6), "transaction"
        sealed = AESGCM(self.seal.encode()).encrypt(nonce.encode(), plain.encode(), name.encode())
        body = json.dumps({
            "id": secrets.token_hex(8), "create_time": at.isoformat(), "event_type": event,
            "resource_type": "encrypt-resource", "summary": "支付成功",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": name,
                "ciphertext": base64.b64encode(sealed).decode(), "original_type": name,
            },
        }).encode()  # fmt: skip
        headers = self.signed(body.decode(), int(at.timestamp()), forged=forged)
        return headers | {"Content-Type": "application/json"}, body

    def signed(self, body: str, at: int, *, forged: bool = False) -> dict[str, str]:
        """The headers by which WeChat Pay proves that it sends this."""
        nonce = secrets.token_hex(16)
        key = self.stranger if forged else self.key
        text = f"{at}\n{nonce}\n{body}\n".encode()
        signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Serial": KEY_ID, "Wechatpay-Timestamp": str(at), "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }  # fmt: skip

    # --- its HTTP side ---

    def _told(self, number: str) -> dict[str, Any]:
        order = self.orders[number]
        return {
            "mchid": MCHID, "appid": APPID, "out_trade_no": number, "trade_type": "NATIVE",
            "payer": {"openid": "o"}, **order,
        }  # fmt: skip

    def _answer(self, status: int, told: dict[str, Any] | None) -> Response:
        if self.drop_answers:
            self.drop_answers -= 1
            return Response("", 502)
        body = "" if told is None else json.dumps(told)
        headers = self.signed(body, int(time.time()), forged=self.forge_answers)
        return Response(body, status, headers, mimetype="application/json")

    def _signed_by_merchant(self) -> bool:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        parts = dict(_AUTHORIZATION.findall(rest))
        path = request.full_path if request.query_string else request.path
        text = "\n".join([request.method, path, parts["timestamp"], parts["nonce_str"],
                          request.get_data(as_text=True), ""])  # fmt: skip
        try:
            self.merchant.public_key().verify(
                base64.b64decode(parts["signature"]), text.encode(), padding.PKCS1v15(),
                hashes.SHA256(),
            )  # fmt: skip
        except InvalidSignature:
            return False
        return scheme == "WECHATPAY2-SHA256-RSA2048" and parts["mchid"] == MCHID

    def app(self) -> Flask:
        """The routes that the merchant calls."""
        app = Flask("wechat")
        base = "/v3/pay/transactions"

        @app.before_request
        def prove() -> Response | None:
            self.requests.append(f"{request.method} {request.path}")
            if not self._signed_by_merchant():
                return self._answer(401, {"code": "SIGN_ERROR", "message": "签名错误"})
            return None

        @app.post(f"{base}/native")
        def native() -> Response:
            asked = request.get_json()
            self.orders.setdefault(
                asked["out_trade_no"], {"trade_state": "NOTPAY", "amount": asked["amount"]}
            )
            return self._answer(200, {"code_url": f"weixin://wxpay/{asked['out_trade_no'][:9]}"})

        @app.get(f"{base}/out-trade-no/<number>")
        def query(number: str) -> Response:
            if number not in self.orders:
                return self._answer(404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})
            return self._answer(200, self._told(number))

        @app.post(f"{base}/out-trade-no/<number>/close")
        def close(number: str) -> Response:
            if self.orders[number]["trade_state"] == "SUCCESS":
                return self._answer(400, {"code": "ORDERPAID", "message": "订单已支付"})
            self.orders[number]["trade_state"] = "CLOSED"
            return self._answer(204, None)

        @app.post("/v3/refund/domestic/refunds")
        def refund() -> Response:
            asked = request.get_json()
            if self.refund_status == "NOT_ENOUGH":
                return self._answer(403, {"code": "NOT_ENOUGH", "message": "余额不足"})
            self.refunds[asked["out_refund_no"]] = asked
            return self._answer(200, {"status": self.refund_status})

        return app

    @contextmanager
    def running(self) -> Iterator["FakeWeChat"]:
        """Serve on a port of loopback."""
        server = make_server("127.0.0.1", 0, self.app(), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
