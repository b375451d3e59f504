"""应用消息 message: what the app says to staff."""

from __future__ import annotations

from collections.abc import Sequence

from bot.wecom.answers import JSON
from bot.wecom.transport import Transport


class Message:
    """message/*."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(
        self,
        msgtype: str,
        content: JSON,
        *,
        touser: Sequence[str] = (),
        toparty: Sequence[str] = (),
        totag: Sequence[str] = (),
        duplicate_check_s: int = 1800,
        safe: bool = False,
        timeout_s: float = 10,
    ) -> JSON:
        """message/send (90236). `content` is the object that WeCom names as `msgtype`: {"content": ".."} for text.

        1000 userids at most, or "@all"; text and markdown 2048 bytes. The same request within `duplicate_check_s`
        (14,400 at most, 0 = no check) is delivered once. Answers msgid, response_code (cards with buttons) and
        invaliduser, the receivers that were skipped. More than 30 a minute or 1000 an hour to one person are dropped
        without a word.
        """
        body: JSON = {
            "touser": "|".join(touser),
            "toparty": "|".join(toparty),
            "totag": "|".join(totag),
            "msgtype": msgtype,
            "agentid": self._transport.agent_id,
            msgtype: content,
            "safe": int(safe),
        }
        if duplicate_check_s:
            body |= {"enable_duplicate_check": 1, "duplicate_check_interval": duplicate_check_s}
        return await self._transport.call("message/send", body, timeout_s=timeout_s)

    async def update_template_card(
        self,
        response_code: str,
        userids: Sequence[str],
        *,
        replace_name: str | None = None,
        template_card: JSON | None = None,
    ) -> JSON:
        """message/update_template_card (94888): new words on the pressed button, or a whole new card.

        A response_code works once, within 72 hours (60140 after); it comes from `send` or from the card's event.
        """
        body: JSON = {
            "userids": list(userids),
            "agentid": self._transport.agent_id,
            "response_code": response_code,
        }
        if template_card is not None:
            body["template_card"] = template_card
        if replace_name is not None:
            body["button"] = {"replace_name": replace_name}
        return await self._transport.call("message/update_template_card", body)
