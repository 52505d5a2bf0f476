"""Keys: Ed25519 identities that sign, AES-256-GCM envelopes that hide, tokens that expire."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dafan.errors import DafanError

TOKEN_SECONDS = 60
_AUDIENCE = "dafan-server"


class SealError(DafanError):
    """A sealed thing was altered, or the key is another one."""

    code = "seal"


@dataclass(frozen=True, slots=True)
class Identity:
    """The two private keys of a terminal: one signs, one opens what is sealed for it."""

    signing: Ed25519PrivateKey
    box: X25519PrivateKey

    @classmethod
    def create(cls) -> "Identity":
        """Fresh keys."""
        return cls(Ed25519PrivateKey.generate(), X25519PrivateKey.generate())

    def to_bytes(self) -> bytes:
        """64 bytes: both private keys; keep them in a file that only the till's user reads."""
        return self.signing.private_bytes_raw() + self.box.private_bytes_raw()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Identity":
        """Read what :meth:`to_bytes` wrote.

        Raises:
            SealError: not 64 bytes.
        """
        if len(raw) != 64:
            raise SealError(
                "the identity file is damaged: enrol this terminal again with a new code"
            )
        return cls(
            Ed25519PrivateKey.from_private_bytes(raw[:32]),
            X25519PrivateKey.from_private_bytes(raw[32:]),
        )

    @property
    def signing_public(self) -> bytes:
        """32 bytes."""
        return self.signing.public_key().public_bytes_raw()

    @property
    def box_public(self) -> bytes:
        """32 bytes."""
        return self.box.public_key().public_bytes_raw()


def verify_signature(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 signature is the key's own over the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key() -> bytes:
    """A fresh AES-256 key."""
    return AESGCM.generate_key(256)


def seal(key: bytes, plain: bytes, context: str) -> bytes:
    """AES-256-GCM: 12-byte nonce, then ciphertext with tag, bound to a context.

    Args:
        key: 32 bytes.
        plain: What to hide.
        context: Where the thing belongs, such as ``template:<id>``; moved elsewhere it won't open.
    """
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def open_sealed(key: bytes, sealed: bytes, context: str) -> bytes:
    """Undo :func:`seal`.

    Raises:
        SealError: altered, truncated, sealed with another key or for another context.
    """
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise SealError(f"{context}: the sealed data does not open with this key") from error


def seal_to(box_public: bytes, plain: bytes, context: str) -> bytes:
    """Seal for the holder of an X25519 key: ephemeral public key, then an AES-GCM envelope."""
    ephemeral = X25519PrivateKey.generate()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(box_public))
    public = ephemeral.public_key().public_bytes_raw()
    return public + seal(_box_key(shared, public + box_public), plain, context)


def open_box(identity: Identity, sealed: bytes, context: str) -> bytes:
    """Undo :func:`seal_to`.

    Raises:
        SealError: not sealed for this identity.
    """
    try:
        shared = identity.box.exchange(X25519PublicKey.from_public_bytes(sealed[:32]))
    except ValueError as error:
        raise SealError(f"{context}: not sealed for this terminal") from error
    return open_sealed(_box_key(shared, sealed[:32] + identity.box_public), sealed[32:], context)


def _box_key(shared: bytes, salt: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, b"dafan box").derive(shared)


def make_token(identity: Identity, terminal_id: UUID, now: datetime) -> str:
    """A token that the terminal signs itself, good for :data:`TOKEN_SECONDS`."""
    claims = {
        "iss": str(terminal_id),
        "aud": _AUDIENCE,
        "iat": now,
        "exp": now + timedelta(seconds=TOKEN_SECONDS),
    }
    return jwt.encode(claims, identity.signing, algorithm="EdDSA")


def token_issuer(token: str) -> UUID | None:
    """Who the token says it is from, not yet believed; ``None`` where it says nothing readable."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return UUID(str(claims.get("iss")))
    except (jwt.InvalidTokenError, ValueError):
        return None


def token_is_good(token: str, public_key: bytes, now: datetime, leeway_s: int = 30) -> bool:
    """Whether the token is signed by the key, for this server, and in its time."""
    try:
        claims = jwt.decode(
            token,
            Ed25519PublicKey.from_public_bytes(public_key),
            algorithms=["EdDSA"],
            audience=_AUDIENCE,
            options={"verify_exp": False, "verify_iat": False, "require": ["iss", "exp", "iat"]},
        )
        issued, expires = int(claims["iat"]), int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return False
    moment = now.timestamp()
    short = expires - issued <= TOKEN_SECONDS
    return short and issued - leeway_s <= moment <= expires + leeway_s


def make_qr(site_key: bytes, diner_id: UUID) -> str:
    """The text of a diner's QR code. It never changes, so the till asks for the PIN as well."""
    return f"dafan:1:{diner_id.hex}:{_qr_mac(site_key, diner_id)}"


def read_qr(site_key: bytes, text: str) -> UUID | None:
    """The diner of a QR code of this site; ``None`` for any other text."""
    parts = text.split(":")
    if len(parts) != 4 or parts[:2] != ["dafan", "1"]:
        return None
    try:
        diner_id = UUID(hex=parts[2])
    except ValueError:
        return None
    return diner_id if hmac.compare_digest(_qr_mac(site_key, diner_id), parts[3]) else None


def _qr_mac(site_key: bytes, diner_id: UUID) -> str:
    mac = hmac.new(site_key, b"dafan qr" + diner_id.bytes, hashlib.sha256).digest()
    return base64.b32encode(mac[:10]).decode()


def load_or_create_secret(path: Path, make: bytes) -> bytes:
    """The bytes of a secret file; where there is none, ``make`` is written there first.

    The file is readable by its owner only and complete before it has its name, so that a crash
    or a second process never leaves or reads half a secret.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(make)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes()
