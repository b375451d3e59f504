"""企业客户标签 corp tags: made by this app, put on contacts."""

from __future__ import annotations

from collections.abc import Sequence

from bot.wecom.answers import JSON
from bot.wecom.transport import Transport


class Tags:
    """externalcontact/*_corp_tag and mark_tag (92117, 92118). Only tags that this app made can be changed."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get_corp_tag_list(self, tag_id: Sequence[str] = (), group_id: Sequence[str] = ()) -> list[JSON]:
        """Groups with their tags: [{"group_id", "group_name", "tag": [{"id", "name"}]}]; both empty: all of them."""
        body = {"tag_id": list(tag_id), "group_id": list(group_id)}
        return list((await self._transport.call("externalcontact/get_corp_tag_list", body)).get("tag_group", []))

    async def add_corp_tag(
        self, names: Sequence[str], *, group_name: str | None = None, group_id: str | None = None
    ) -> JSON:
        """New tags (30 characters each) in a group given by id or name; the group, with these tags. A name that the
        group has already gives the tag that is there."""
        group = {"group_id": group_id} if group_id else {"group_name": group_name}
        body = {**group, "tag": [{"name": name} for name in names]}
        told: JSON = (await self._transport.call("externalcontact/add_corp_tag", body))["tag_group"]
        return told

    async def edit_corp_tag(self, tag_id: str, name: str, order: int | None = None) -> None:
        """Another name (30 characters) for a tag or a group."""
        body: JSON = {"id": tag_id, "name": name}
        if order is not None:
            body["order"] = order
        await self._transport.call("externalcontact/edit_corp_tag", body)

    async def del_corp_tag(self, tag_id: Sequence[str] = (), group_id: Sequence[str] = ()) -> None:
        """Delete tags or whole groups."""
        body = {"tag_id": list(tag_id), "group_id": list(group_id)}
        await self._transport.call("externalcontact/del_corp_tag", body)

    async def mark_tag(
        self, userid: str, external_userid: str, add_tag: Sequence[str] = (), remove_tag: Sequence[str] = ()
    ) -> None:
        """Put tags on a contact, or take them off, in the eyes of one member of staff who must follow it (84061).

        3000 a pair. Repeating it changes nothing; two calls on one pair at a time are refused with 45035.
        """
        body: JSON = {"userid": userid, "external_userid": external_userid}
        body |= {key: list(ids) for key, ids in (("add_tag", add_tag), ("remove_tag", remove_tag)) if ids}
        await self._transport.call("externalcontact/mark_tag", body)
