"""素材上传 our own media at WeCom's: a kept file becomes a media_id when a message needs one.

It is uploaded again when WeCom has it no more. What was uploaded is remembered by file, kind and shown name, so the
tasks of one broadcast share one upload.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from bot.clock import Clock
from bot.errors import Action, WeComError
from bot.media_kinds import FILES, PICTURES
from bot.turn import Work
from bot.wecom.media import LARGEST, SMALLEST
from bot.writer import Writer
from storage import media, media_uploads
from storage.media_uploads import Wanted
from storage.tables import Media

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

UPLOAD = "media/upload"
LIFE = timedelta(days=3) - timedelta(hours=2)  # WeCom keeps it three days; a task needs it a little longer than we do
MEDIA_GONE = -5  # ours: the file is not there any more
KINDS = {"image": ("jpeg", "png"), "file": (*PICTURES, *FILES), "video": ()}  # what WeCom takes of what we keep
CODES = {"code": "media_id", "pic_code": "pic_media_id"}  # our field of an attachment -> WeCom's


def misfit(kind: str, size: int, as_kind: str) -> str:
    """Why a file cannot go out as `image`, `video` or `file`: `kind`, `size`; "" when it can."""
    if kind not in KINDS[as_kind]:
        return "kind"
    return "" if SMALLEST <= size <= LARGEST[as_kind] else "size"


def shown_name(found: Media, given: str = "") -> str:
    """What receivers see a file called."""
    suffix = ".jpg" if found.kind == "jpeg" else f".{found.kind}"
    name = given or media.code(found)
    return name if name.lower().endswith(suffix) else name + suffix


class MediaUploads:
    """Turns codes of attachments into media_ids. One upload at a time: the same file is wanted by many at once."""

    def __init__(self, client: WeCom, writer: Writer, clock: Clock, folder: str) -> None:
        self._client, self._writer, self._clock, self._folder = client, writer, clock, Path(folder)
        self._one = asyncio.Lock()

    async def named(self, attachments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Attachments as WeCom takes them. Raises WeComError: MEDIA_GONE, or what media/upload answers."""
        return [await self._attachment(item) for item in attachments]

    async def forget(self, attachments: list[dict[str, Any]]) -> bool:
        """WeCom knows these media_ids no more; whether any of them is of a file of ours."""
        named = [item[item["msgtype"]].get(field) for item in attachments for field in CODES]
        codes = [code for code in named if code]
        await self._writer.call(partial(_forget, codes))
        return bool(codes)

    async def _attachment(self, item: dict[str, Any]) -> dict[str, Any]:
        kind = item["msgtype"]
        body = dict(item[kind])
        for ours, theirs in CODES.items():
            if code := body.pop(ours, ""):
                as_kind = kind if kind in KINDS else "image"
                body[theirs] = await self._media_id(code, as_kind, body.pop("name", ""))
        return {**item, kind: body}

    async def _media_id(self, code: str, as_kind: str, name: str) -> str:
        async with self._one:
            wanted, known = await self._writer.call(partial(_look, code, as_kind, name))
            if wanted is None:
                raise WeComError(MEDIA_GONE, f"{code} is not kept any more", UPLOAD, action=Action.DROP)
            if known:
                return str(known)
            try:
                data = await asyncio.to_thread((self._folder / wanted.path).read_bytes)
            except FileNotFoundError:
                raise WeComError(MEDIA_GONE, f"the file of {code} is gone", UPLOAD, action=Action.DROP) from None
            media_id = str((await self._client.media.upload(as_kind, wanted.name, data))["media_id"])
            await self._writer.call(partial(_keep, wanted, media_id))
            logger.bind(action="media_uploaded").info("code={} as={} bytes={}", code, as_kind, len(data))
            return media_id


def _look(code: str, as_kind: str, name: str, work: Work) -> tuple[Wanted | None, str]:
    """What is to be uploaded, and the media_id that still works."""
    found = media.by_code(work.db, code)
    if found is None:
        return None, ""
    wanted = Wanted(found.id, as_kind, shown_name(found, name), found.path)
    return wanted, media_uploads.good(work.db, wanted, work.now)


def _keep(wanted: Wanted, media_id: str, work: Work) -> None:
    media_uploads.keep(work.db, wanted, media_id, work.now, work.now + LIFE)


def _forget(codes: list[str], work: Work) -> None:
    for found in (media.by_code(work.db, code) for code in codes):
        if found is not None:
            media_uploads.forget(work.db, found.id, work.now)
