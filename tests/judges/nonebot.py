"""NoneBot2 as a program: `python -m tests.judges.nonebot PORT`. It says in JSON lines what it understood.

A message `call ACTION JSON` makes it call the action; what came of it is a line too. Secrets are the sandbox's own.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import nonebot
from loguru import logger
from nonebot.adapters.onebot.v11 import ActionFailed, Adapter, Bot, Event, MessageEvent


def tell(**line: Any) -> None:
    """One line of testimony."""
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def understood(bot: Bot, event: Event) -> None:
    """What kind of event it is, who did it, and in a message what was said to whom."""
    said = isinstance(event, MessageEvent)
    who = str(getattr(event, "user_id", ""))
    text = event.get_plaintext().strip() if isinstance(event, MessageEvent) else ""
    tell(kind=type(event).__name__, name=event.get_event_name(), user_id=who, text=text,
         group_id=str(getattr(event, "group_id", None) or ""), to_me=event.is_tome() if said else None)  # fmt: skip
    if text.startswith("call "):
        _, action, params = text.split(" ", 2)
        try:
            tell(action=action, data=await bot.call_api(action, **json.loads(params)))
        except ActionFailed as failed:
            tell(action=action, failed=failed.info)


def main(port: int) -> None:
    """Serve until told to end."""
    logger.remove()  # testimony alone goes to stdout
    logger.add(sys.stderr, level="WARNING")
    secrets = {"onebot_secret": "sandbox-onebot-secret", "onebot_access_token": "sandbox-onebot-token"}
    nonebot.init(driver="~fastapi", host="127.0.0.1", port=port, log_level="ERROR", **secrets)
    nonebot.get_driver().register_adapter(Adapter)
    nonebot.on(priority=1, block=False).handle()(understood)
    nonebot.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
