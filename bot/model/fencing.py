"""围栏 fences: what comes from outside reaches a model as data between marks that nobody outside can guess."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from bot.ids import Chance, code
from bot.sizes import plain

FENCE_SYMBOLS = 16  # 80 bits
# Marks of fences, chat templates and code blocks, in the spellings that models read as such.
_MARKS = re.compile(
    r"[<＜〈《«⟨‹]{2,}|[>＞〉》»⟩›]{2,}|<\s*/?\s*\|[^<>]{0,40}\|\s*>|\[/?INST\]|<</?SYS>>|</?s>|`{3,}|~{3,}|"
    r"<\s*/?\s*(?:system|assistant|user|tool|function|data|human)\b[^<>]{0,80}>",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"^(\W{0,3})(system|assistant|user|developer|tool|human|ai)[ \t]*[:：]", re.IGNORECASE | re.MULTILINE
)
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028\u2029\u2060-\u206f"
                        "\u3164\ufe00-\ufe0f\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]")  # fmt: skip
_BLANKS = re.compile(r"[ \t\u00a0\u3000]{3,}")
_LINES = re.compile(r"\n{3,}")


def new_fence(chance: Chance) -> str:
    """A mark for one call."""
    return code(chance, FENCE_SYMBOLS).replace("-", "")


def clean(text: str, chars: int) -> str:
    """Somebody's words as data: no control or invisible characters, nothing that looks like a mark, `chars` at most."""
    text = plain(unicodedata.normalize("NFC", text[: chars * 4]).replace("\r\n", "\n").replace("\r", "\n"))
    text = _INVISIBLE.sub("", text)
    for _ in range(3):  # taking one mark out may bring another together
        text = _MARKS.sub(" ", text)
    text = _ROLE.sub(r"\1\2", text)
    text = _LINES.sub("\n\n", _BLANKS.sub("  ", text)).strip()
    return text if len(text) <= chars else text[: chars - 1] + "…"


def fenced(fence: str, inputs: Mapping[str, str]) -> str:
    """The inputs one after another, each between its marks."""
    return "\n\n".join(f"<<{name} {fence}>>\n{text}\n<</{name} {fence}>>" for name, text in inputs.items())
