"""外部联系人 contact: the customers of our staff, and the greeting of a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bot.errors import WeComError
from bot.wecom.answers import JSON
from bot.wecom.paging import pages
from bot.wecom.transport import Transport

NO_CUSTOMERS = 84061
USERS_A_CALL, CONTACTS_A_PAGE = 100, 100


class Contact:
    """externalcontact/*, without tags, contact ways and groups."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get_follow_user_list(self) -> list[str]:
        """externalcontact/get_follow_user_list (92571): userids of everybody with the customer-contact right."""
        return list((await self._transport.call("externalcontact/get_follow_user_list")).get("follow_user", []))

    async def list_external_userid(self, userid: str) -> list[str]:
        """externalcontact/list (92113): whom one member of staff follows; WeCom's 84061 for nobody is an empty list."""
        try:
            told = await self._transport.call("externalcontact/list", params={"userid": userid})
        except WeComError as error:
            if error.errcode == NO_CUSTOMERS:
                return []
            raise
        return list(told.get("external_userid", []))

    async def get(self, external_userid: str, *, timeout_s: float = 10) -> JSON:
        """externalcontact/get (92114): {"external_contact", "follow_user": [..]}. More than 500 followers come in
        pages, which are joined here; `timeout_s` is for each page."""
        params, whole = {"external_userid": external_userid}, None
        while True:
            told = await self._transport.call("externalcontact/get", params=params, timeout_s=timeout_s)
            if whole is None:
                whole = told
            else:
                whole["follow_user"] = [*whole.get("follow_user", []), *told.get("follow_user", [])]
            cursor = str(told.get("next_cursor") or "")
            if not cursor or cursor == params.get("cursor"):
                whole.pop("next_cursor", None)
                return whole
            params["cursor"] = cursor

    async def get_by_user(self, userids: Sequence[str]) -> AsyncIterator[JSON]:
        """externalcontact/batch/get_by_user (92994): every {"external_contact", "follow_info"} of these members of
        staff, read page by page; they are asked for in groups of 100."""
        for start in range(0, len(userids), USERS_A_CALL):
            body = {"userid_list": list(userids[start : start + USERS_A_CALL]), "limit": CONTACTS_A_PAGE}
            async for page in pages(self._transport, "externalcontact/batch/get_by_user", body):
                for entry in page.get("external_contact_list", []):
                    yield entry

    async def remark(self, userid: str, external_userid: str, **fields: str | list[str]) -> None:
        """externalcontact/remark (92115): remark 20 characters, description 150, remark_company 20, remark_mobiles
        (to clear them send [""]), remark_pic_mediaid. Repeating it changes nothing."""
        await self._transport.call(
            "externalcontact/remark", {"userid": userid, "external_userid": external_userid, **fields}
        )

    async def send_welcome_msg(
        self,
        welcome_code: str,
        text: str | None = None,
        attachments: Sequence[JSON] = (),
        *,
        timeout_s: float = 10,
    ) -> None:
        """externalcontact/send_welcome_msg (92137): text 4000 bytes, 9 attachments, at least one of the two.

        A code works once, within 20 seconds. 41051 (welcomed already or chatting): do not repeat; 41096 (another app is
        just sending): may be repeated.
        """
        body: JSON = {"welcome_code": welcome_code}
        if text:
            body["text"] = {"content": text}
        if attachments:
            body["attachments"] = list(attachments)
        await self._transport.call("externalcontact/send_welcome_msg", body, timeout_s=timeout_s)
