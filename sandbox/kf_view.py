"""微信客服 as the page sees it."""

from __future__ import annotations

from typing import Any

from sandbox.kf_world import PER_TURN
from sandbox.world import World


def shown_accounts(world: World) -> list[dict[str, Any]]:
    """Every account with its servicers."""
    return [
        {
            "open_kfid": account.open_kfid,
            "name": account.name,
            "servicers": [{"userid": userid, **duty} for userid, duty in account.servicers.items()],
        }
        for account in world.kf.accounts.values()
    ]


def shown_chats(world: World, external_userid: str, now: float) -> dict[str, Any]:
    """A customer's chats by open_kfid: the session's state, who has it, how many answers are left, the messages."""
    return {
        open_kfid: {
            "state": session.age(now).state,
            "servicer_userid": session.servicer_userid,
            "left": PER_TURN - session.sent,
            "refuses": session.refuses,
            "messages": session.messages,
        }
        for open_kfid, account in world.kf.accounts.items()
        if (session := account.sessions.get(external_userid)) is not None
    }
