"""A question to see whether the model answers: the doctor asks it."""

from __future__ import annotations

from bot.model.gateway import LLMGateway, Reply
from bot.model.prompts import answers, prompts
from bot.model.schemas import Answer

NAME = "model/ping"


@answers(NAME)
class Pong(Answer):
    """Anything at all."""

    ok: bool


async def ping(gateway: LLMGateway) -> Reply:
    """Ask once. Raises `ModelFailed`."""
    return await gateway.chat(prompts()[NAME], {"question": "ping"})
