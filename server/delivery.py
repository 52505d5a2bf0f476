"""How a message reaches a person outside these pages: by mail, or by the enterprise chat.

Each way is a real one: SMTP, or a signed POST to an address that passes it on to the chat. Which
there are says ``dafan.toml``; without any the desk hands codes out on paper.
"""

import hmac
import json
import logging
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import httpx

from dafan.config import MailSettings, Settings, WebhookSettings, first_line
from dafan.errors import DafanError

log = logging.getLogger(__name__)

TIMEOUT_S = 10
SIGNATURE = "X-Dafan-Signature"
"""``sha256=`` and the HMAC of the body in hexadecimal, as many webhooks have it."""


class DeliveryError(DafanError):
    """The message did not go out."""

    code = "not_delivered"


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told.

    Attributes:
        staff_no: Who.
        title: The subject of a mail.
        text: All that he has to know.
        ref: The same one is the same message: who gets it twice can tell. May be empty.
    """

    staff_no: str
    title: str
    text: str
    ref: str = ""


class Way(Protocol):
    """One way to reach people."""

    def send(self, message: Message) -> None:
        """Send it, or say why not.

        Raises:
            DeliveryError: it did not go out.
            ConfigError: a file of secrets cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Mail:
    """By a mail server."""

    settings: MailSettings

    def send(self, message: Message) -> None:
        """See :class:`Way`."""
        mail = EmailMessage()
        mail["From"] = self.settings.sender or self.settings.login
        mail["To"] = self.settings.staff_address.format(staff_no=message.staff_no)
        mail["Subject"] = message.title
        if message.ref:
            mail["Message-ID"] = f"<{message.ref}@{mail['From'].rpartition('@')[2] or 'dafan'}>"
        mail.set_content(message.text)
        try:
            with self._server() as server:
                if self.settings.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self.settings.login:
                    password = _secret(self.settings.password_file, "mail.password_file")
                    server.login(self.settings.login, password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise DeliveryError(f"the mail did not go out: {type(error).__name__}") from error

    def _server(self) -> AbstractContextManager[smtplib.SMTP]:
        host, port = self.settings.host, self.settings.port
        if self.settings.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
        return smtplib.SMTP(host, port, timeout=TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class Webhook:
    """By an address of the enterprise chat, or of the small program before it."""

    settings: WebhookSettings

    def send(self, message: Message) -> None:
        """See :class:`Way`."""
        told = {"to": message.staff_no, "title": message.title, "text": message.text}
        if message.ref:
            told["id"] = message.ref
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if key := _secret(self.settings.secret_file, "webhook.secret_file").encode():
            headers[SIGNATURE] = f"sha256={hmac.new(key, body, 'sha256').hexdigest()}"
        try:
            answer = httpx.post(self.settings.url, content=body, headers=headers, timeout=TIMEOUT_S)
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryError(f"the chat took no message: {type(error).__name__}") from error


def ways(settings: Settings) -> Sequence[Way]:
    """Every way that is set up."""
    found: list[Way] = []
    if settings.webhook.url:
        found.append(Webhook(settings.webhook))
    if settings.mail.host:
        found.append(Mail(settings.mail))
    return found


def deliver(found: Sequence[Way], message: Message) -> bool:
    """Send a message by every way; whether one of them took it. Failures are in the log."""
    done = False
    for way in found:
        try:
            way.send(message)
            done = True
        except DafanError as error:
            log.error("%s: %s", type(way).__name__, error)  # noqa: TRY400 - the text says it all
    return done


def _secret(file: Path | None, setting: str) -> str:
    """Empty where none is set."""
    return first_line(file, setting, "the secret") if file else ""
