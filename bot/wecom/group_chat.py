"""客户群 group chat: which groups there are and who is in them. No API speaks there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bot.wecom.answers import JSON
from bot.wecom.paging import pages
from bot.wecom.transport import Transport

GROUPS_A_PAGE = 1000
ANY_STATUS = 0


class GroupChat:
    """externalcontact/groupchat/* (92120, 92122)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list_groupchat(self, owners: Sequence[str] = (), status_filter: int = ANY_STATUS) -> AsyncIterator[JSON]:
        """Every {"chat_id", "status"}, page by page. 100 owners at most; with none and more than 1000 people in the
        app's scope WeCom refuses (81017)."""
        body: JSON = {"status_filter": status_filter, "limit": GROUPS_A_PAGE}
        if owners:
            body["owner_filter"] = {"userid_list": list(owners)}
        async for page in pages(self._transport, "externalcontact/groupchat/list", body):
            for entry in page.get("group_chat_list", []):
                yield entry

    async def get(self, chat_id: str, *, need_name: bool = True) -> JSON:
        """{"chat_id", "name", "owner", "member_list": [..], "member_version", ..}. It may lag behind an event by some
        seconds. 90501: not a customer group; 49008: dismissed."""
        body = {"chat_id": chat_id, "need_name": int(need_name)}
        group: JSON = (await self._transport.call("externalcontact/groupchat/get", body))["group_chat"]
        return group
