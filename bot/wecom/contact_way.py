"""联系我 contact way: a QR code by which contacts come, with the channel in its `state`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bot.wecom.answers import JSON
from bot.wecom.paging import pages
from bot.wecom.transport import Transport

ONE_PERSON, SEVERAL = 1, 2
QR_CODE = 2
WAYS_A_PAGE = 1000


class ContactWay:
    """externalcontact/*_contact_way (92228): 500,000 a corp, 100 members of staff each."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def add_contact_way(
        self, user: Sequence[str], *, state: str = "", remark: str = "", skip_verify: bool = True
    ) -> tuple[str, str]:
        """(config_id, qr_code). State and remark 30 characters each. Keep the config_id: without it the way can never
        be changed. There is no key, so when it is unknown whether it was made, look for it in the list first."""
        body = {
            "type": ONE_PERSON if len(user) == 1 else SEVERAL,
            "scene": QR_CODE,
            "user": list(user),
            "state": state,
            "remark": remark,
            "skip_verify": skip_verify,
        }
        told = await self._transport.call("externalcontact/add_contact_way", body)
        return str(told["config_id"]), str(told.get("qr_code", ""))

    async def get_contact_way(self, config_id: str) -> JSON:
        """{"config_id", "type", "scene", "state", "remark", "user", "qr_code", ..}."""
        told = await self._transport.call("externalcontact/get_contact_way", {"config_id": config_id})
        way: JSON = told["contact_way"]
        return way

    async def list_contact_way(self, start_time: int | None = None, end_time: int | None = None) -> AsyncIterator[str]:
        """Every config_id, made since 2021-07-10 and, when given, between two moments (Unix seconds)."""
        body: JSON = {"limit": WAYS_A_PAGE}
        body |= {key: at for key, at in (("start_time", start_time), ("end_time", end_time)) if at is not None}
        async for page in pages(self._transport, "externalcontact/list_contact_way", body):
            for entry in page.get("contact_way", []):
                yield str(entry["config_id"])

    async def update_contact_way(self, config_id: str, **fields: str | bool | list[str]) -> None:
        """Change state, remark, user, skip_verify; what is not given stays."""
        await self._transport.call("externalcontact/update_contact_way", {"config_id": config_id, **fields})

    async def del_contact_way(self, config_id: str) -> None:
        """Delete it; its QR code stops working."""
        await self._transport.call("externalcontact/del_contact_way", {"config_id": config_id})
