"""企业微信 client: everything this bot asks of WeCom, by family. `call` makes any other call."""

from __future__ import annotations

import aiohttp

from bot.clock import Clock
from bot.ids import Chance
from bot.wecom.answers import JSON
from bot.wecom.contact import Contact
from bot.wecom.contact_way import ContactWay
from bot.wecom.group_chat import GroupChat
from bot.wecom.media import Media
from bot.wecom.menu import Menu
from bot.wecom.message import Message
from bot.wecom.msg_template import MsgTemplate
from bot.wecom.network import Network
from bot.wecom.tags import Tags
from bot.wecom.transport import Transport

__all__ = ["WeCom"]


class WeCom(Transport):
    """One self-built app of one corp. Opens a session of its own, at the first call, unless one is handed in."""

    def __init__(
        self,
        *,
        api_base: str,
        corp_id: str,
        secret: str,
        agent_id: int = 0,
        session: aiohttp.ClientSession | None = None,
        clock: Clock | None = None,
        token_margin_s: float = 300,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(
            api_base=api_base, corp_id=corp_id, secret=secret, agent_id=agent_id, session=session, clock=clock,
            token_margin_s=token_margin_s, chance=chance,
        )  # fmt: skip
        self.message, self.contact, self.tags = Message(self), Contact(self), Tags(self)
        self.contact_way, self.group_chat = ContactWay(self), GroupChat(self)
        self.media, self.menu, self.network = Media(self), Menu(self), Network(self)
        self.msg_template = MsgTemplate(self)

    async def upload_media(self, kind: str, filename: str, data: bytes) -> JSON:
        """Short for `media.upload`."""
        return await self.media.upload(kind, filename, data)
