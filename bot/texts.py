"""文案 texts: every sentence a person reads, one file each under prompts/, with `$placeholders`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from string import Template

from bot.errors import ConfigError

PROMPTS = Path(__file__).parent.parent / "prompts"
_SENTENCE_ENDS = re.compile(r"[。！？!?\n；;]")


class Texts:
    """All texts, read once at start: `render("sign_up/welcome", name="小明")`."""

    def __init__(self, root: Path = PROMPTS) -> None:
        self._templates = {
            path.relative_to(root).with_suffix("").as_posix(): Template(path.read_text(encoding="utf-8").rstrip("\n"))
            for path in sorted(root.rglob("*.md"))
        }

    @property
    def names(self) -> list[str]:
        """Every text there is."""
        return list(self._templates)

    def placeholders(self, name: str) -> set[str]:
        """What a text needs to be filled in."""
        return set(self._find(name).get_identifiers())

    def render(self, name: str, /, **values: object) -> str:
        """The text with its placeholders filled in; a missing one is an error, not a gap."""
        return self._find(name).substitute({key: str(value) for key, value in values.items()})

    def _find(self, name: str) -> Template:
        template = self._templates.get(name)
        if template is None:
            raise ConfigError(f"prompts/{name}.md", "the text is missing: restore the file")
        return template


def yuan(fen: int) -> str:
    """Money as people read it: 1230 fen is `12.3`, 1200 is `12`."""
    text = f"{fen // 100}.{fen % 100:02d}"
    return text.rstrip("0").rstrip(".")


def numbered(items: Iterable[str]) -> str:
    """A list as people read it, one numbered line each; the number works as an answer."""
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def split_bytes(text: str, limit: int) -> list[str]:
    """`text` in parts of at most `limit` UTF-8 bytes, cut after sentences where possible, never inside a character."""
    parts = []
    while len(text.encode()) > limit:
        head = text.encode()[:limit].decode(errors="ignore")
        ends = [match.end() for match in _SENTENCE_ENDS.finditer(head)]
        cut = ends[-1] if ends and ends[-1] > len(head) // 3 else len(head)
        parts.append(text[:cut].rstrip("\n"))
        text = text[cut:].lstrip("\n")
    return [part for part in [*parts, text] if part] or [""]


def clip_bytes(text: str, limit: int) -> str:
    """`text` cut to `limit` UTF-8 bytes on a character border, with … when something was cut."""
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 3].decode(errors="ignore") + "…"
