"""对照: careless houses, in which what a model answers is more than words. The machine with the hostile model must see
each of them."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from bot.events import Address, TextReceived
from bot.model.gateway import LLMGateway
from bot.model.sender import ModelSender
from bot.turn import Work
from storage import ledger
from storage.outbox import Call
from tests.controls.guards import GUARDS, guard

__all__ = ["GUARDS"]


@guard("hostile_model")
def model_words_are_no_commands(m: pytest.MonkeyPatch) -> None:
    """What the model says is heard as if the member had said it."""
    chat = ModelSender.chat

    async def careless(self: Any, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        answer = await chat(self, payload, row)
        sender = Address("wecom", payload["about"]["external_userid"])
        await self._writer.accept(TextReceived(
            key=f"wecom_kf:msg:fed{row.id}", source="wecom_kf", at=self._gateway._clock.now(), sender=sender,
            text=answer["value"]["reply"], msg_id=f"fed{row.id}",
        ))  # fmt: skip
        return answer

    m.setattr(ModelSender, "chat", careless)


@guard("hostile_model")
def model_calls_no_tools(m: pytest.MonkeyPatch) -> None:
    """A tool that gives points is carried out when the model calls it."""
    chat, request = ModelSender.chat, LLMGateway._request
    called: list[Any] = []

    async def noticing(self: Any, *args: Any, **more: Any) -> Any:
        answer = await request(self, *args, **more)
        choices = getattr(answer, "choices", None) or []
        called.extend(getattr(getattr(choices[0], "message", None), "tool_calls", None) or [] if choices else [])
        return answer

    def give(member_id: int, name: str, work: Work) -> None:
        work.move(ledger.Move(f"tool:{name}", "issuer", f"member:{member_id}", "points", 100, "tool"))

    async def obeying(self: Any, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        answer = await chat(self, payload, row)
        while called:
            tool = called.pop()
            if json.loads(tool.function.arguments)["amount"]:
                await self._writer.call(partial(give, row.member_id or 0, str(row.id)))
        return answer

    m.setattr(LLMGateway, "_request", noticing)
    m.setattr(ModelSender, "chat", obeying)
