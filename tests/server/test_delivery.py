"""A message leaves by mail or by the chat, and a way that fails stops no other."""

import hmac
import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import ValidationError

from dafan.config import MailSettings, Settings, WebhookSettings
from server import delivery
from server.delivery import Mail, Message, Webhook

pytestmark = pytest.mark.process
MESSAGE = Message("1001", "食堂登录码", "您的登录码是 123456")
CLOSED = 9
"""A port on which nobody listens."""


@contextmanager
def listening(handler: type[socketserver.StreamRequestHandler]) -> Iterator[int]:
    """A server on loopback; its port."""
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_the_chat_can_prove_from_whom_a_message_is(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("a secret\n", encoding="utf-8")
    got: dict[str, Any] = {}

    class Chat(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            while line := self.rfile.readline().strip().decode():
                name, _, value = line.partition(": ")
                got[name.lower()] = value
            got["body"] = self.rfile.read(int(got["content-length"]))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with listening(Chat) as port:
        url = f"http://127.0.0.1:{port}/"
        Webhook(WebhookSettings(url=url, secret_file=secret)).send(MESSAGE)
    told = json.loads(got["body"])
    assert told == {"to": "1001", "title": MESSAGE.title, "text": MESSAGE.text}
    signed = hmac.new(b"a secret", got["body"], "sha256").hexdigest()
    assert got[delivery.SIGNATURE.lower()] == f"sha256={signed}"


def test_a_mail_goes_to_the_address_of_the_staff_number_even_where_the_chat_is_away() -> None:
    said: list[str] = []

    class Post(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 hello\r\n")
            body = False
            for sent in self.rfile:
                line = sent.decode().rstrip("\r\n")
                said.append(line)
                if body:
                    body = line != "."
                    answer = "" if body else "250 kept"
                elif line.upper() == "DATA":
                    body, answer = True, "354 go on"
                else:
                    answer = "221 bye" if line.upper() == "QUIT" else "250 ok"
                if answer:
                    self.wfile.write(f"{answer}\r\n".encode())
                if answer.startswith("221"):
                    return

    with listening(Post) as port:
        settings = Settings(
            webhook=WebhookSettings(url=f"http://127.0.0.1:{CLOSED}/"),
            mail=MailSettings(
                host="127.0.0.1", port=port, security="none", sender="canteen@example.cn",
                staff_address="no-{staff_no}@example.cn",
            ),
        )  # fmt: skip
        ways = delivery.ways(settings)
        assert [type(way) for way in ways] == [Webhook, Mail]
        assert delivery.deliver(ways, MESSAGE)
    assert any(line.upper().startswith("RCPT TO:<NO-1001@EXAMPLE.CN>") for line in said)
    assert not delivery.deliver(ways, MESSAGE)
    assert delivery.ways(Settings()) == []


@pytest.mark.parametrize(
    "settings",
    [
        (WebhookSettings, {"url": "http://chat.example/"}),
        (MailSettings, {"staff_address": "all@example.cn"}),
        (MailSettings, {"staff_address": "{staff_no}@{staff_no}"}),
    ],
)
def test_a_code_goes_nowhere_in_the_clear_and_never_to_everybody(settings: Any) -> None:
    kind, values = settings
    with pytest.raises(ValidationError):
        kind(**values)
