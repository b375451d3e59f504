"""红队: a sample of `python -m tests.redteam`, and a model that answers whatever Hypothesis thinks of."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from tests.files import sqlite_in
from tests.redteam import unseen
from tests.redteam.corpus import CHANNELS, attacks, baits
from tests.redteam.hostile import explore
from tests.redteam.running import attack, bait

NEVER = "scenarios.proposing._never"
SAMPLE = attacks()[::31]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return copy_to(tmp_path)


def copy_to(folder: Path) -> str:
    return sqlite_in(folder)


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(set(attacks())) >= 450
    assert {one.channel for one in attacks()} == set(CHANNELS)
    assert len(set(baits())) == 200


def test_the_unseen_are_as_many_as_they_say() -> None:
    prompts, baits_ = unseen.prompts(), unseen.baits()
    assert len({one.attack for one in prompts}) == 136
    assert {one.attack.channel for one in prompts} == {*CHANNELS, unseen.COMMUNITY}
    assert len({one.attack.said for one in baits_}) == 70


async def test_words_of_an_obedient_model_are_not_read(url: str) -> None:
    tried = [one for one in unseen.prompts() if one.attack.channel == "knowledge"] + unseen.prompts()[::19]
    held = await unseen.obeying(url, [*tried, *unseen.baits()[::14]])

    assert held.said == held.broken == []
    assert held.reached >= 12


@pytest.mark.parametrize("way", ["tools", "leak"])
async def test_a_sample_of_attacks_gets_nothing(url: str, way: str) -> None:
    figures = await attack(url, way, SAMPLE)

    assert figures.broken == []
    assert figures.asked >= 8


async def test_invented_answers_are_not_said_and_good_ones_are(url: str, tmp_path: Path) -> None:
    invented = await bait(url, baits()[::12])
    (tmp_path / "good").mkdir()
    good = await bait(copy_to(tmp_path / "good"), baits()[::9], "normal")

    assert invented.broken == good.broken == []
    assert invented.by_model == 0
    assert invented.asked >= 5
    assert good.by_model >= 4


async def test_without_the_fact_check_the_judge_would_see_it(url: str) -> None:
    with mock.patch("scenarios.facts.check", return_value=None), mock.patch(NEVER, return_value=False):
        figures = await bait(url, baits()[::5])
    assert figures.numbers != []


async def test_with_a_tool_that_grants_the_judge_would_see_it(url: str) -> None:
    figures = await attack(url, "tools", SAMPLE[:3], tools=True)
    assert any("tool:call_" in what for what in figures.value)


def test_whatever_a_model_says_nothing_moves_that_words_do_not_move(tmp_path_factory: pytest.TempPathFactory) -> None:
    seen = explore(4, lambda: copy_to(tmp_path_factory.mktemp("hostile")))
    assert seen["answers"] >= 10
