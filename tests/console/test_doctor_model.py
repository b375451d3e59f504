"""The doctor asks the model a real question and says what to do when it does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.settings import Settings
from console.doctor_model import examine_model
from tests.bot.model.vendor import Vendor, completion, section, vendor


@pytest.fixture
async def shop() -> AsyncIterator[Vendor]:
    async with vendor() as made:
        yield made


def settings(url: str) -> Settings:
    made = Settings()
    made.llm = section(url)
    return made


async def test_without_a_model_there_is_no_line() -> None:
    assert await examine_model(Settings()) == []


async def test_a_model_that_answers_says_how_it_was_asked(shop: Vendor) -> None:
    shop.no_schema = True
    finding, *_ = await examine_model(settings(shop.url))

    assert finding.ok
    assert "m1 有回答" in finding.says
    assert "57 token，用 json_object 提问" in finding.says


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ((401, '{"error": {"message": "bad key"}}', {}), "SIYU_LLM__API_KEY"),
        ((200, "<html></html>", {"Content-Type": "text/html"}), "/v1"),
        ((400, '{"error": {"message": "Model Not Exist"}}', {}), "Model Not Exist"),
        (completion("hello"), "JSON"),
    ],
)
async def test_a_model_that_does_not_answer_has_a_remedy(shop: Vendor, step: Any, says: str) -> None:
    shop.script = [step]
    finding, *_ = await examine_model(settings(shop.url))

    assert not finding.ok
    assert says in finding.says
