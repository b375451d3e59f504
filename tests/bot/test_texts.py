"""文案: what the code asks for is there, whole, and cut where a reader would cut it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.texts import Texts, clip_bytes, split_bytes

ROOT = Path(__file__).parents[2]
TEXTS = Texts()
FLOORS = ("bot", "handlers", "scenarios", "console")
FILLS = {"render": 0, "say": 1, "ask": 1, "tell": 1, "reply": 0, "sheet": 1}
ASKED = {"ask": {"choices"}, "sheet": {"rows", "choices"}}


def strings() -> set[str]:
    """Every string constant of the code."""
    return {
        node.value
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def filled() -> list[tuple[str, str, set[str]]]:
    """(where, text, values given) for each call that names its text and its values outright."""
    found = []
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                call = _fill(node)
                if call is not None:
                    found.append((f"{path.relative_to(ROOT)}:{node.lineno}", *call))  # type: ignore[attr-defined]
    return found


def _fill(node: ast.AST) -> tuple[str, set[str]] | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FILLS):
        return None
    place = FILLS[node.func.attr]
    if len(node.args) <= place or any(keyword.arg is None for keyword in node.keywords):
        return None
    name = node.args[place]
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str) and "/" in name.value):
        return None
    asked = ASKED.get(node.func.attr, set())
    return name.value, asked | {keyword.arg for keyword in node.keywords if keyword.arg is not None}


@pytest.mark.parametrize(("where", "name", "values"), filled())
def test_a_text_gets_exactly_what_it_asks_for(where: str, name: str, values: set[str]) -> None:
    assert name in TEXTS.names, f"{where}: prompts/{name}.md is not there"
    assert TEXTS.placeholders(name) == values, where


def test_every_text_is_asked_for_somewhere() -> None:
    assert len(filled()) > 10
    assert set(TEXTS.names) - strings() == set()


def test_every_text_of_a_table_has_the_same_placeholders_as_its_row_needs() -> None:
    from scenarios.sign_up import GUIDE_TEXTS, PACKS, WELCOMES

    for (kind, named), name in WELCOMES.items():
        assert TEXTS.placeholders(name) == ({"name"} if named else set()) | ({"pack"} if kind == "gift" else set())
    for (kind, _found), name in GUIDE_TEXTS.items():
        assert TEXTS.placeholders(name) == {"name", "channel"} | ({"pack"} if kind == "gift" else set())
    for (points, coupons), name in PACKS.items():
        assert TEXTS.placeholders(name) == {word for word, there in (("points", points), ("coupons", coupons)) if there}


def test_a_missing_text_and_a_missing_value_are_errors() -> None:
    with pytest.raises(ConfigError, match="nothing_like_it"):
        TEXTS.render("sign_up/nothing_like_it")
    with pytest.raises(KeyError):
        TEXTS.render("sign_up/welcome_named")


def test_a_members_name_cannot_ask_for_other_values() -> None:
    assert "$pack {name}" in TEXTS.render("sign_up/welcome_named", name="$pack {name}")


@pytest.mark.parametrize("size", [2047, 2048, 2049, 4096, 10_000])
@pytest.mark.parametrize("letter", ["a", "好", "🎉", "👨‍👩‍👧"])
def test_parts_hold_the_limit_and_lose_nothing(size: int, letter: str) -> None:
    text = letter * (size // len(letter.encode()))
    parts = split_bytes(text, 2048)

    assert "".join(parts) == text
    assert all(len(part.encode()) <= 2048 for part in parts)


def test_a_long_text_is_parted_after_a_sentence() -> None:
    parts = split_bytes("第一句话在这里。" * 200, 2048)

    assert all(part.endswith("。") for part in parts)


def test_exactly_the_limit_is_one_part() -> None:
    assert split_bytes("好" * 682 + "ab", 2048) == ["好" * 682 + "ab"]
    assert split_bytes("", 2048) == [""]


@given(st.text(max_size=400), st.integers(4, 64))
def test_whatever_is_written_no_character_is_torn(text: str, limit: int) -> None:
    text = text.encode(errors="ignore").decode()
    for part in split_bytes(text, limit):
        assert len(part.encode()) <= limit
    assert "".join(split_bytes(text, limit)).replace("\n", "") == text.replace("\n", "")
    assert len(clip_bytes(text, limit).encode()) <= limit
