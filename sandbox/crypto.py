"""Callback crypto as WeCom does it, written against `cryptography` alone: bot and sandbox check each other by it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # PKCS#7 pads to 32 here, not to AES's 16


class Unreadable(Exception):
    """A reply of the bot that cannot be opened."""


class Seal:
    """One app's token, key and receiver id."""

    def __init__(self, token: str, aes_key: str, receiver: str) -> None:
        self.token, self.receiver = token, receiver
        self._key = base64.b64decode(aes_key + "=")
        if len(self._key) != 32:
            raise ValueError("encoding_aes_key must be 43 characters of base64")

    def sign(self, timestamp: str, nonce: str, encrypt: str) -> str:
        """sha1 over the four values in byte order."""
        parts = sorted([self.token, timestamp, nonce, encrypt])
        return hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()

    def encrypt(self, plain: str, random16: bytes | None = None) -> str:
        """Base64 of random(16) + length + message + receiver, AES-256-CBC."""
        body = plain.encode()
        data = (random16 or secrets.token_bytes(16)) + struct.pack(">I", len(body)) + body + self.receiver.encode()
        pad = BLOCK - len(data) % BLOCK
        encryptor = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16])).encryptor()
        return base64.b64encode(encryptor.update(data + bytes([pad]) * pad) + encryptor.finalize()).decode()

    def decrypt(self, encrypt: str) -> str:
        """The message inside; raises `Unreadable` for anything that is not ours."""
        try:
            raw = base64.b64decode(encrypt, validate=True)
            decryptor = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16])).decryptor()
            data = decryptor.update(raw) + decryptor.finalize()
            pad = data[-1]
            if not 1 <= pad <= BLOCK or data[-pad:] != bytes([pad]) * pad:
                raise Unreadable("the padding is wrong")
            data = data[:-pad]
            (length,) = struct.unpack(">I", data[16:20])
            if 20 + length > len(data) or data[20 + length :].decode() != self.receiver:
                raise Unreadable("the reply is meant for another receiver")
            return data[20 : 20 + length].decode()
        except (ValueError, IndexError, struct.error) as error:
            raise Unreadable(str(error)) from error

    def seal_file(self, data: bytes) -> bytes:
        """A file that people sent to the AI bot: the bytes alone, no random, no length, no receiver."""
        return seal_file(data, self._key)

    def is_signed(self, signature: str, timestamp: str, nonce: str, encrypt: str) -> bool:
        """Whether a reply's signature fits."""
        return hmac.compare_digest(self.sign(timestamp, nonce, encrypt).encode(), signature.encode())


def seal_file(data: bytes, key: bytes) -> bytes:
    """AES-256-CBC, PKCS#7 to 32, the key's first half as IV (document 100719)."""
    pad = BLOCK - len(data) % BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return encryptor.update(data + bytes([pad]) * pad) + encryptor.finalize()


def sign_order(secret: str, timestamp: str, body: bytes) -> str:
    """`X-Signature` of an order webhook: HMAC-SHA256 over the timestamp, a dot and the raw body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
