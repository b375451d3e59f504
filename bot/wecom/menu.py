"""应用菜单 menu: the buttons under the app's chat."""

from __future__ import annotations

from typing import Any

from bot.errors import WeComError
from bot.wecom.answers import JSON
from bot.wecom.transport import Transport

NO_MENU = 46003


class Menu:
    """menu/* (90231)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(self, buttons: list[JSON]) -> None:
        """Put the whole menu up; the one before is gone. 1 to 3 buttons, each with up to 5 below it."""
        await self._transport.call("menu/create", {"button": buttons}, params=self._agent())

    async def get(self) -> list[Any]:
        """The buttons; none when no menu was made."""
        try:
            told = await self._transport.call("menu/get", params=self._agent())
        except WeComError as error:
            if error.errcode == NO_MENU:
                return []
            raise
        return list(told.get("button") or [])

    async def delete(self) -> None:
        """No menu any more."""
        await self._transport.call("menu/delete", params=self._agent())

    def _agent(self) -> dict[str, str]:
        return {"agentid": str(self._transport.agent_id)}
