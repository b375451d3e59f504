"""The sender of `model/chat`: masks, asks, unmasks. What it answers is data of the prompt's schema."""

from __future__ import annotations

from functools import partial
from typing import Any

from bot.errors import RequestRefused
from bot.model import asking
from bot.model.failures import CALL, Failure, ModelFailed
from bot.model.gateway import LLMGateway, Reply
from bot.model.masking import Mask
from bot.model.prompts import SCHEMAS, Prompt, prompts
from bot.sections import Llm
from bot.senders import Sender
from bot.turn import Work
from bot.writer import Writer
from storage import model_calls
from storage.outbox import Call


class ModelSender:
    """Carries questions to the gateway. A call that found no budget yet (owed past `asking.ask`) takes it here."""

    def __init__(self, llm: Llm, gateway: LLMGateway, writer: Writer) -> None:
        self._llm, self._gateway, self._writer = llm, gateway, writer

    def table(self) -> dict[str, Sender]:
        """Every call by name."""
        return {CALL: self.chat}

    async def chat(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """One question: {"value", "rung", "tokens"}."""
        if not row.answers:
            raise RequestRefused(CALL, "answers", "True: the budgets are settled by the answer")
        prompt = prompts().get(payload["prompt"])
        if prompt is None or payload["prompt"] not in SCHEMAS:
            raise ModelFailed(Failure.OFF, "no such prompt, or its play is off")
        mask = Mask(payload.get("names") or ())
        inputs = prompt.cleaned(payload["inputs"])
        allowance = await self._writer.call(partial(self._hold, prompt, inputs, row))
        if isinstance(allowance, Failure):
            raise ModelFailed(allowance)
        sent = {name: mask.hide(text) for name, text in inputs.items()} if self._llm.mask else inputs
        try:
            reply = await self._gateway.chat(prompt, sent, allowance)
        except ModelFailed as error:
            await self._writer.call(partial(_used, row.id, error.tokens, ""))
            raise
        await self._writer.call(partial(_used, row.id, reply.tokens, reply.rung.value))
        return _answer(reply, mask)

    def _hold(self, prompt: Prompt, inputs: dict[str, str], row: Call, work: Work) -> int | Failure:
        """Tokens that the call may use."""
        call = model_calls.find(work.db, row.id)
        if call is None:
            refused = asking.reserve(work, self._llm, prompt, row.id, row.member_id or 0, "", inputs)
            return refused or prompt.estimate(inputs)
        return call.reserved


def _used(call_id: int, tokens: int, rung: str, work: Work) -> None:
    model_calls.used(work.db, call_id, tokens, rung)


def _answer(reply: Reply, mask: Mask) -> dict[str, Any]:
    return {"value": mask.show(reply.value.model_dump(mode="json")), "rung": reply.rung.value, "tokens": reply.tokens}
