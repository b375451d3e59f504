"""标签对账 tag reconcile: the part of the nightly comparison that looks at tags. It writes nothing itself: the library,
and contacts whose tags are not as they should be, become events.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.clock import Clock
from bot.own_events import CorpTagsSeen, MarksSeen
from bot.turn import Work
from bot.writer import Writer
from storage import corp_marks, corp_tags
from storage.corp_marks import Label, Pair

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

SOURCE = "reconcile"


class TagReconcile:
    """Compares the library first: contacts' tags are told by ids of it."""

    def __init__(self, client: WeCom, writer: Writer, clock: Clock) -> None:
        self._client, self._writer, self._clock = client, writer, clock
        self._names: dict[str, Label] = {}

    async def catalogue(self) -> None:
        """The corp's tags, when they are not as we know them."""
        now = self._clock.now()
        groups: list[dict[str, Any]] = (await self._client.call("externalcontact/get_corp_tag_list", {})).get(
            "tag_group", []
        )
        self._names = {one.tag_id: (one.group, one.name) for one in corp_tags.read(groups)}
        if await self._writer.call(lambda work: corp_tags.names(work.db)) != self._names:
            key = f"{SOURCE}:corp_tags:{now.timestamp()}"
            await self._writer.accept(CorpTagsSeen(key=key, source=SOURCE, at=now, tag_group=groups))

    async def marks(self, pairs: list[tuple[dict[str, Any], dict[str, Any]]], asked_at: datetime) -> int:
        """A page of contacts with what each guide's eyes see on them; how many differ."""
        shown: dict[Pair, set[Label]] = {}
        for contact, follow in pairs:
            if "tag_id" in follow:
                ids = follow["tag_id"]
                pair = contact["external_userid"], follow["userid"]
                shown[pair] = {self._names[tag_id] for tag_id in ids if tag_id in self._names}
        found = await self._writer.call(partial(_differing, shown)) if shown else []
        if found:
            told = [{"of": pair[0], "by": pair[1], "tags": sorted(map(list, shown[pair]))} for pair in found]
            key = f"{SOURCE}:marks:{found[0][0]}:{found[0][1]}:{asked_at.timestamp()}"
            await self._writer.accept(MarksSeen(key=key, source=SOURCE, at=asked_at, pairs=told))
        return len(found)


def _differing(shown: dict[Pair, set[Label]], work: Work) -> list[Pair]:
    return corp_marks.differing(work.db, shown, work.now)
