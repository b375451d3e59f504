"""加解密闸门 crypto gate: signature, then cipher, then form. Bad input of every kind is one typed error.

The AES work is wechatpy's cipher; the checks around it are ours, because wechatpy bounds neither padding nor length
and raises whatever Python raises. The signature covers the ciphertext, so the order leaves no padding oracle.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections import Counter
from collections.abc import Mapping
from hashlib import sha1

from wechatpy.crypto.base import WeChatCipher

MAX_BODY = 64 * 1024
BLOCK = 32
_KEY_BYTES = 32
_TAG, _TAG_END = b"<Encrypt>", b"</Encrypt>"
_HEAD = 20  # 16 random bytes and 4 bytes of length stand before the message
_PADDING = tuple(bytes([size]) * size for size in range(BLOCK + 1))
_CDATA, _CDATA_END = b"<![CDATA[", b"]]>"


class GateError(Exception):
    """A request that is not WeCom's. `status` is the whole answer; `reason` is one word for counters and logs."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class GateStats(Counter[str]):
    """How many requests ended how: accepted, unknown, stale, not_stored, verified, refused.<reason>."""


class Gate:
    """One callback URL's Token, EncodingAESKey and receiver (corp id; empty for an AI bot)."""

    def __init__(self, *, token: str, encoding_aes_key: str, receive_id: str, replay_window_s: int = 600) -> None:
        key = base64.b64decode(encoding_aes_key + "=")
        if len(key) != _KEY_BYTES:
            raise ValueError("encoding_aes_key must have 43 characters of a-z, A-Z, 0-9")
        self.receive_id = receive_id
        self.replay_window_s = replay_window_s
        self.stats = GateStats()
        self._token = token.encode()
        self._receive_id = receive_id.encode()
        self._cipher = WeChatCipher(key)

    def open_body(self, body: bytes, query: Mapping[str, str]) -> bytes:
        """The plaintext of a callback's XML body. Raises GateError."""
        return self.open(find_encrypt(body), query)

    def open(self, encrypted: bytes, query: Mapping[str, str]) -> bytes:
        """Check the signature over `encrypted` (base64), then decrypt it. Raises GateError."""
        try:
            signature, timestamp, nonce = query["msg_signature"], query["timestamp"], query["nonce"]
        except KeyError as error:
            raise GateError(400, "query") from error
        expected = self._signature(timestamp, nonce, encrypted)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
            raise GateError(401, "signature")
        return self._decrypt(encrypted)

    def seal(self, message: str, timestamp: str, nonce: str) -> str:
        """A passive reply: `message` encrypted and signed, as the XML that WeCom reads."""
        encrypted, signature = self.sealed(message, timestamp, nonce)
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def sealed(self, message: str, timestamp: str, nonce: str) -> tuple[str, str]:
        """`message` encrypted (base64), and the signature over it."""
        data = message.encode()
        # The IV is fixed, so these 16 characters are the ciphertext's only salt: not from `random`.
        salt = secrets.token_urlsafe(12).encode()
        plain = b"".join((salt, len(data).to_bytes(4, "big"), data, self._receive_id))
        plain += _PADDING[BLOCK - len(plain) % BLOCK]
        encrypted = base64.b64encode(self._cipher.encrypt(plain))
        return encrypted.decode(), self._signature(timestamp, nonce, encrypted)

    def _signature(self, timestamp: str, nonce: str, encrypted: bytes) -> str:
        # UTF-8 keeps code point order, so sorting bytes sorts as the protocol sorts characters.
        parts = [
            self._token,
            timestamp.encode("utf-8", "surrogatepass"),
            nonce.encode("utf-8", "surrogatepass"),
            encrypted,
        ]
        parts.sort()
        return sha1(b"".join(parts), usedforsecurity=False).hexdigest()

    def _decrypt(self, encrypted: bytes) -> bytes:
        try:
            ciphertext = binascii.a2b_base64(encrypted, strict_mode=True)
        except binascii.Error as error:
            raise GateError(400, "base64") from error
        if not ciphertext or len(ciphertext) % BLOCK:
            raise GateError(400, "block_size")
        plain: bytes = self._cipher.decrypt(ciphertext)
        padding = plain[-1]
        if not 1 <= padding <= BLOCK or not plain.endswith(_PADDING[padding]):
            raise GateError(400, "padding")
        end = _HEAD + int.from_bytes(plain[16:_HEAD], "big")
        tail = len(plain) - padding
        if tail < _HEAD or end > tail:
            raise GateError(400, "length")
        if not hmac.compare_digest(plain[end:tail], self._receive_id):
            raise GateError(401, "receiver")
        return plain[_HEAD:end]


def find_encrypt(body: bytes) -> bytes:
    """The base64 text of the one `<Encrypt>` element, without parsing what nobody has signed. Raises GateError."""
    start = body.find(_TAG)
    stop = body.find(_TAG_END, start)
    if start < 0 or stop < 0:
        raise GateError(400, "no_encrypt")
    if body.count(b"<Encrypt") != 1 or body.count(b"</Encrypt") != 1:
        raise GateError(400, "many_encrypt")
    encrypted = body[start + len(_TAG) : stop].strip()
    if encrypted.startswith(_CDATA) and encrypted.endswith(_CDATA_END):
        encrypted = encrypted[len(_CDATA) : -len(_CDATA_END)].strip()
    return encrypted
