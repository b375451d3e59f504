"""文案 texts: every sentence a person reads, one file each under prompts/, with `$placeholders`."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from bot.errors import ConfigError
from bot.sizes import clip_bytes, plain, split_bytes

__all__ = ["Texts", "clip_bytes", "numbered", "split_bytes", "yuan"]

PROMPTS = Path(__file__).parent.parent / "prompts"


class Texts:
    """All texts, read once a process: `render("sign_up/welcome", name="小明")`."""

    def __init__(self, root: Path = PROMPTS) -> None:
        self._templates = _read(root)

    @property
    def names(self) -> list[str]:
        """Every text there is."""
        return list(self._templates)

    def placeholders(self, name: str) -> set[str]:
        """What a text needs to be filled in."""
        return set(self._find(name).get_identifiers())

    def render(self, name: str, /, **values: object) -> str:
        """The text, its placeholders filled in; a missing one is an error, not a gap; no name turns its sentence."""
        return self._find(name).substitute({key: plain(str(value)) for key, value in values.items()})

    def _find(self, name: str) -> Template:
        template = self._templates.get(name)
        if template is None:
            raise ConfigError(f"prompts/{name}.md", "the text is missing: restore the file")
        return template


@functools.cache
def _read(root: Path) -> Mapping[str, Template]:
    """More than a thousand small files: whoever asks again in the same process gets what was read."""
    return {
        path.relative_to(root).with_suffix("").as_posix(): Template(path.read_text(encoding="utf-8").rstrip("\n"))
        for path in sorted(root.rglob("*.md"))
        if not path.name.endswith(".prompt.md")  # a model reads those: bot.model.prompts
    }


def yuan(fen: int) -> str:
    """Money as people read it: 1230 fen is `12.3`, 1200 is `12`."""
    text = f"{fen // 100}.{fen % 100:02d}"
    return text.rstrip("0").rstrip(".")


def numbered(items: Iterable[str]) -> str:
    """A list as people read it, one numbered line each; the number works as an answer."""
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
