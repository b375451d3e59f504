"""素材 media: files that live three days and may be sent by every app of the corp."""

from __future__ import annotations

import aiohttp

from bot.errors import RequestRefused, WeComUnreachable
from bot.wecom.answers import JSON, Answer
from bot.wecom.transport import Request, Transport

MB = 1 << 20
LARGEST = {"image": 10 * MB, "voice": 2 * MB, "video": 10 * MB, "file": 20 * MB}  # 90253
SMALLEST = 6  # more than five bytes
MEDIA_S = 60.0


class Media:
    """media/* (90253, 90254)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def upload(self, kind: str, filename: str, data: bytes, *, timeout_s: float = MEDIA_S) -> JSON:
        """media/upload: {"type", "media_id", "created_at"}; the media_id works for three days.

        image 10 MB (JPG, PNG), voice 2 MB (AMR, 60 s), video 10 MB (MP4), file 20 MB; more than 5 bytes.
        Repeating it makes another media_id and does no harm.
        """
        if kind not in LARGEST:
            raise RequestRefused("media/upload", "type", " | ".join(LARGEST))
        if not SMALLEST <= len(data) <= LARGEST[kind]:
            raise RequestRefused("media/upload", "media", f"{SMALLEST} to {LARGEST[kind]} bytes for {kind}")

        def form() -> aiohttp.FormData:
            whole = aiohttp.FormData(quote_fields=False)  # the name goes out as plain UTF-8
            whole.add_field("media", data, filename=filename, content_type="application/octet-stream")
            return whole

        request = Request("media/upload", "POST", {"type": kind}, form=form)
        return await self._transport.perform(request, Answer.json, timeout_s)

    async def get(
        self, media_id: str, *, byte_range: tuple[int, int] | None = None, timeout_s: float = MEDIA_S
    ) -> bytes:
        """media/get: the bytes of a file. One too big for an answer is refused with 830002; ask for `byte_range`
        (first, last) by and by."""
        headers = {"Range": f"bytes={byte_range[0]}-{byte_range[1]}"} if byte_range else None
        request = Request("media/get", "GET", {"media_id": media_id}, headers=headers)
        told = await self._transport.perform(request, Answer.bytes_or_json, timeout_s)
        if not isinstance(told, bytes):
            raise WeComUnreachable("media/get", "JSON in place of a file", ambiguous=False)
        return told
