"""网关 the only door to a language model: a question becomes a validated answer or a named failure, in time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from loguru import logger

from bot.clock import Clock
from bot.ids import Chance
from bot.model.answers import content_of, failure_of, read, tokens_of
from bot.model.breaker import Breaker
from bot.model.failures import AGAIN, BREAKING, Failure, ModelFailed
from bot.model.fencing import new_fence
from bot.model.ladder import Ladder, Rung, below, request
from bot.model.prompts import Prompt, most_tokens
from bot.model.schemas import Answer
from bot.sections import Llm
from bot.texts import Texts

FRAME = 20  # tokens that a vendor puts around each message, and around the form
MOST_TRIES = 4  # requests for one question, over all rungs
RETRIES, PAUSE_S = 2, 0.4  # of one request: our own, because the SDK's would sleep past our deadline
NEXT_RUNG = frozenset({Failure.REFUSED, Failure.GARBAGE, Failure.EMPTY})
ANSWERED = frozenset({Failure.EMPTY, Failure.CUT, Failure.FILTERED})  # tokens were used, though for nothing


@dataclass(frozen=True)
class Reply:
    """A valid answer: how it was got, and the tokens of all tries."""

    value: Answer
    rung: Rung
    tokens: int


@dataclass
class _Try:
    """One question under way: which rung comes next, what was used, what the repair says."""

    rung: Rung
    left: int
    until: float
    tokens: int = 0
    made: int = 0
    wrong: str = ""
    said: str = ""
    unheard: int = 0  # what the request under way may cost: the vendor counts it though nobody hears the answer


class LLMGateway:
    """Asks a service that speaks OpenAI's chat completions. It sends no tools and heeds none: what it gives back is
    data of the prompt's schema."""

    def __init__(self, llm: Llm, clock: Clock, chance: Chance, texts: Texts) -> None:
        self._llm, self._clock, self._chance, self._texts = llm, clock, chance, texts
        self._client: Any = None
        self._opening = asyncio.Lock()
        self.ladder = Ladder(clock)
        self.breaker = Breaker(clock, llm.breaker_failures, llm.breaker_open_s)
        self.stats: Counter[str] = Counter()

    @property
    def service(self) -> tuple[str, str]:
        """Who is asked."""
        return self._llm.base_url, self._llm.model

    async def chat(self, prompt: Prompt, inputs: Mapping[str, str], allowance: int = 1_000_000) -> Reply:
        """Ask; `inputs` are cleaned and masked already. No further try begins that could use more tokens than the
        allowance has left. Raises `ModelFailed`, which carries what was used."""
        if not self._llm.on:
            raise ModelFailed(Failure.OFF)
        if not self.breaker.allows():
            self.stats["open"] += 1
            raise ModelFailed(Failure.OPEN)
        until = asyncio.get_running_loop().time() + self._llm.deadline_s
        asking = _Try(self.ladder.first(self.service), allowance, until)
        try:
            async with asyncio.timeout_at(until):
                reply = await self._climb(prompt, inputs, asking)
        except TimeoutError:
            failed = ModelFailed(Failure.TIMEOUT)
            self._count(asking, asking.unheard)
        except ModelFailed as error:
            failed = error
            self._count(asking, asking.unheard)
        except BaseException:
            self.breaker.undecided()
            raise
        else:
            self.breaker.succeeded()
            self.ladder.works(self.service, reply.rung)
            self.stats["ok"] += 1
            self.stats[f"rung_{reply.rung.value}"] += 1
            return reply
        raise self._fail(failed, asking)

    def _fail(self, failed: ModelFailed, asking: _Try) -> ModelFailed:
        self.stats[failed.failure.name.lower()] += 1
        if failed.failure in BREAKING:
            self.breaker.failed()
        else:
            self.breaker.undecided()
        logger.bind(action="model_failed").warning("{} {}", failed.failure.name, failed.why)
        return ModelFailed(failed.failure, failed.why, asking.tokens, asking.made)

    async def _climb(self, prompt: Prompt, inputs: Mapping[str, str], asking: _Try) -> Reply:
        failed = ModelFailed(Failure.DAY, "more than was held for it")
        while True:
            body = self._body(prompt, inputs, asking)
            costs = _most(body, prompt.front.max_tokens)
            if asking.left < costs:
                raise failed
            try:
                value = await self._once(prompt, body, costs, asking)
                return Reply(value, asking.rung, asking.tokens)
            except ModelFailed as error:
                if error.failure not in NEXT_RUNG or asking.made >= MOST_TRIES:
                    raise
                failed = error
                asking.wrong = error.why if error.failure is Failure.GARBAGE else ""
                asking.rung = below(asking.rung)

    def _body(self, prompt: Prompt, inputs: Mapping[str, str], asking: _Try) -> dict[str, Any]:
        messages = prompt.messages(new_fence(self._chance), inputs)
        if asking.wrong:
            said = {"role": "assistant", "content": asking.said[:1_000]}
            messages += [said, {"role": "user", "content": self._texts.render("model/again", why=asking.wrong[:200])}]
        return request(asking.rung, prompt, messages, self._texts)

    async def _once(self, prompt: Prompt, body: dict[str, Any], costs: int, asking: _Try) -> Answer:
        asking.made, asking.unheard = asking.made + 1, costs
        try:
            answer = await self._send(body, prompt.front.max_tokens, asking.until)
        except ModelFailed as error:
            if error.failure is not Failure.TIMEOUT:  # whoever refuses or is not there has not counted either
                asking.unheard = 0
            raise
        asking.unheard = 0
        used = tokens_of(answer)
        try:
            content = content_of(answer)
        except ModelFailed as error:
            self._count(asking, costs if used is None and error.failure in ANSWERED else used or 0)
            raise
        sent = [message["content"] for message in body["messages"]]
        self._count(asking, most_tokens(*sent, content.text) if used is None else used)
        asking.said = content.text
        return read(content.text, prompt.schema)

    def _count(self, asking: _Try, tokens: int) -> None:
        asking.tokens += tokens
        asking.left -= tokens
        self.stats["tokens"] += tokens

    async def _send(self, body: dict[str, Any], max_tokens: int, until: float) -> Any:
        """One request; a busy or failing service is asked again where the deadline leaves time for it."""
        for number in range(RETRIES + 1):
            try:
                return await self._request(body, max_tokens)
            except ModelFailed as error:
                pause = max(error.wait_s, PAUSE_S * 2**number * (0.5 + self._chance.fraction() / 2))
                if error.failure not in AGAIN or number == RETRIES or asyncio.get_running_loop().time() + pause > until:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _request(self, body: dict[str, Any], max_tokens: int) -> Any:
        client, openai = await self._open(), import_module("openai")
        more = {} if self._llm.temperature is None else {"temperature": self._llm.temperature}
        self.stats["requests"] += 1
        try:
            return await client.chat.completions.create(model=self._llm.model, max_tokens=max_tokens, **body, **more)
        except openai.OpenAIError as error:
            raise failure_of(openai, error) from None
        except (json.JSONDecodeError, UnicodeDecodeError, TypeError, AttributeError, RecursionError) as error:
            # A body that calls itself JSON and is none: the SDK lets the parser's own errors through.
            raise ModelFailed(Failure.GARBAGE, type(error).__name__) from None

    async def _open(self) -> Any:
        """The SDK takes a second to import: not on the loop, and only when there is somebody to ask."""
        async with self._opening:
            if self._client is None:
                openai = await asyncio.to_thread(import_module, "openai")
                self._client = openai.AsyncOpenAI(
                    base_url=self._llm.base_url,
                    api_key=self._llm.api_key.get_secret_value(),
                    timeout=self._llm.deadline_s,
                    max_retries=0,
                )
        return self._client

    async def close(self) -> None:
        """Let the connections go."""
        if self._client is not None:
            await self._client.close()


def _most(body: dict[str, Any], max_tokens: int) -> int:
    """Tokens that a request may use at most: every byte that is sent, the vendor's frame, the longest answer."""
    form = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    said = [message["content"] for message in body["messages"]]
    return most_tokens(*said, json.dumps(form, ensure_ascii=False)) + FRAME * (1 + len(said)) + max_tokens
