"""素材 media that staff send to the AI bot: fetched while the link lives, decrypted, looked at, put away.

One outbox row fetches everything of one message; its answer comes back as an event. A file is named by what is in it,
lies in a folder that nobody serves, and stands there once however often it is sent.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import os
import ssl
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from loguru import logger
from yarl import URL

from bot.errors import WeComUnreachable
from bot.media_kinds import kind_of
from bot.media_link import Guard, Pinned, Unfit
from bot.sections import Media
from bot.senders import Sender
from storage.outbox import Call

FETCH, LANE = "media/fetch", "media"
LINK_LIFE = timedelta(minutes=5)
MOST_ITEMS = 9  # of one message
BLOCK, KEY_BYTES = 32, 32
CHUNK = 1 << 16


class MediaKeeper:
    """Makes `media/fetch` rows happen: {"items": [{"url", "aes_key", "media"}]} -> {"results": [found or {"refused"}]}.

    `aes_key` of the door decrypts what brings no key of its own (callback mode).
    """

    def __init__(self, section: Media, guard: Guard, aes_key: str, tls: ssl.SSLContext | None = None) -> None:
        self._section, self._guard, self._aes_key = section, guard, aes_key
        self._tls: ssl.SSLContext | bool = tls or True
        self._folder = Path(section.folder)

    def table(self) -> dict[str, Sender]:
        """The one call."""
        return {FETCH: self.fetch}

    async def fetch(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Everything of one message, one after the other. What is refused is a result; raises WeComUnreachable."""
        return {"errcode": 0, "results": [await self._one(item, row) for item in payload["items"]]}

    async def _one(self, item: Mapping[str, Any], row: Call) -> dict[str, Any]:
        try:
            url = self._guard.judge(item["url"])
            sealed = await self._load(url)
            picture = item["media"] == "image"
            return await asyncio.to_thread(self._put_away, sealed, item["aes_key"] or self._aes_key, picture, row.id)
        except Unfit as unfit:
            # The host alone, for whoever keeps `media.hosts`: the rest of the link opens the file.
            host = item["url"][:200].partition("//")[2].partition("/")[0].rpartition("@")[2]
            logger.bind(action="media_refused").warning("row={} reason={} host={!r}", row.id, unfit.reason, host[:100])
            return {"refused": unfit.reason}
        except OSError as error:  # no such host just now, no room on the disk
            raise WeComUnreachable(FETCH, type(error).__name__, ambiguous=False) from error

    # -- fetching -----------------------------------------------------------------------------------------------------

    async def _load(self, url: URL) -> bytes:
        """What the link gives. Raises Unfit, OSError, WeComUnreachable."""
        pinned = Pinned(str(url.host), await self._guard.addresses(url))
        connector = aiohttp.TCPConnector(resolver=pinned, use_dns_cache=False, force_close=True, ssl=self._tls)
        timeout = aiohttp.ClientTimeout(total=self._section.timeout_s, sock_connect=5.0)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
                ) as session,
                session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response,
            ):
                _judge_head(response, self._most)
                return await self._read(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WeComUnreachable(FETCH, type(error).__name__, ambiguous=False) from None

    @property
    def _most(self) -> int:
        """The largest that is read: padding comes on top of what is kept."""
        return (self._section.most_mb << 20) + BLOCK

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The body, given up as soon as it is too long, whatever it said of itself."""
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > self._most:
                raise Unfit("too_big")
        return bytes(body)

    # -- keeping ------------------------------------------------------------------------------------------------------

    def _put_away(self, sealed: bytes, aes_key: str, picture: bool, row_id: int) -> dict[str, Any]:
        data = decrypt(sealed, aes_key)
        kind = kind_of(data, picture=picture)
        if kind is None:
            raise Unfit("kind")
        digest = hashlib.sha256(data).hexdigest()
        path = Path(digest[:2]) / f"{digest}.{kind.name}"
        _write(self._folder / path, data, row_id)
        return {"sha256": digest, "kind": kind.name, "size": len(data), "width": kind.width, "height": kind.height,
                "path": path.as_posix()}  # fmt: skip


def _judge_head(response: aiohttp.ClientResponse, most: int) -> None:
    """Raises Unfit for what will not get better, WeComUnreachable for what may."""
    if 300 <= response.status < 400:
        raise Unfit("redirect")
    if 400 <= response.status < 500:
        raise Unfit("gone")  # the link's five minutes are over
    if response.status != 200:
        raise WeComUnreachable(FETCH, f"HTTP {response.status}", ambiguous=False)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unfit("broken")  # nobody packs a cipher text; a bomb would
    if (response.content_length or 0) > most:
        raise Unfit("too_big")


def decrypt(sealed: bytes, aes_key: str) -> bytes:
    """AES-256-CBC under the key (base64, with or without its `=`), its first half as IV, PKCS#7 to 32. Raises Unfit."""
    try:
        key = base64.b64decode(aes_key + "=" * (-len(aes_key) % 4))
    except (binascii.Error, ValueError):
        raise Unfit("broken") from None
    if len(key) != KEY_BYTES or not sealed or len(sealed) % 16:
        raise Unfit("broken")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = decryptor.update(sealed) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= BLOCK or plain[-padding:] != bytes([padding]) * padding or len(plain) == padding:
        raise Unfit("broken")
    return plain[:-padding]


def writable(folder: str) -> bool:
    """Whether files can be put into the folder, or it can be made."""
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def _write(file: Path, data: bytes, row_id: int) -> None:
    """Durable, whole or not at all, for the bot's own eyes."""
    if file.exists() and file.stat().st_size == len(data):
        file.touch()  # it was wanted again: the sweep of old files leaves it
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{row_id}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
