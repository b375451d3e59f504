"""WeCom's side of the callback cipher, written on `cryptography` alone: what it seals, our gate must open."""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "sandboxToken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
CORP_ID = "ww0sandbox000001"


class Sealed(NamedTuple):
    """A request at the callback URL: its query and its body."""

    query: dict[str, str]
    body: bytes

    @property
    def encrypted(self) -> str:
        """The base64 text inside the body."""
        return self.body.split(b"<Encrypt><![CDATA[")[1].split(b"]]>")[0].decode()


class Sealer:
    """Seals with one Token, key and receiver."""

    def __init__(self, token: str = TOKEN, aes_key: str = AES_KEY, receive_id: str = CORP_ID) -> None:
        key = base64.b64decode(aes_key + "=")
        self.token, self.receive_id = token, receive_id
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def seal(
        self, plain: bytes, timestamp: str = "1700000000", nonce: str = "nonce1", salt: bytes = b"0" * 16
    ) -> Sealed:
        """A callback as WeCom sends it."""
        return self.sign(self.encrypt(plain, salt), timestamp, nonce)

    def encrypt(
        self, plain: bytes, salt: bytes = b"0" * 16, *, length: int | None = None, tail: bytes | None = None
    ) -> bytes:
        """The ciphertext; `length` and `tail` forge the length field and the receiver."""
        size = len(plain) if length is None else length
        receiver = self.receive_id.encode() if tail is None else tail
        data = salt + size.to_bytes(4, "big") + plain + receiver
        padding = 32 - len(data) % 32
        return self.encrypt_blocks(data + bytes([padding]) * padding)

    def encrypt_blocks(self, data: bytes) -> bytes:
        """AES alone: whole blocks of anything, for broken padding."""
        encryptor = self._cipher.encryptor()
        return encryptor.update(data) + encryptor.finalize()

    def sign(self, ciphertext: bytes, timestamp: str = "1700000000", nonce: str = "nonce1") -> Sealed:
        """A well signed request around any ciphertext."""
        encrypted = base64.b64encode(ciphertext).decode()
        body = (
            f"<xml><ToUserName><![CDATA[{self.receive_id}]]></ToUserName>"
            f"<Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID><![CDATA[1000002]]></AgentID></xml>"
        )
        return Sealed(self.query(encrypted, timestamp, nonce), body.encode())

    def query(self, encrypted: str, timestamp: str = "1700000000", nonce: str = "nonce1") -> dict[str, str]:
        """The signed query for a base64 text."""
        signature = hashlib.sha1(
            "".join(sorted([self.token, timestamp, nonce, encrypted])).encode(), usedforsecurity=False
        ).hexdigest()
        return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}
