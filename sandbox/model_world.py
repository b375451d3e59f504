"""语言模型 the vendor of a language model in the sandbox: how it behaves, what it was asked; saved with the world."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

MODES = (
    "normal", "slow", "garbage", "hostile",  # how it thinks
    "limited", "bad_gateway", "page", "no_choices", "empty", "cut", "thinking", "filtered",  # how it answers
)  # fmt: skip
WAYS = ("tools", "leak", "invent")  # of a hostile one
KEPT, SHOWN, LONGEST = 30, 5, 6_000


@dataclass
class ModelWorld:
    """`talks`: the last questions as they came in, with what was answered. `seen`: what a hostile one remembers."""

    mode: str = "normal"
    way: str = "tools"
    slow_s: float = 12.0
    no_schema: bool = False
    no_object: bool = False
    requests: int = 0
    refused: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    talks: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def keep(self, talk: dict[str, Any]) -> None:
        """Show a question on the page."""
        short = {name: value[:LONGEST] if isinstance(value, str) else value for name, value in talk.items()}
        self.talks = [short, *self.talks][:KEPT]

    def shown(self) -> dict[str, Any]:
        """As the page sees it."""
        talks = self.talks[:SHOWN]
        return {**asdict(self), "talks": talks, "modes": list(MODES), "ways": list(WAYS), "seen": len(self.seen)}


def restored(saved: dict[str, Any]) -> ModelWorld:
    """A saved one; what a later version adds is as new."""
    known = set(ModelWorld.__dataclass_fields__)
    return ModelWorld(**{name: value for name, value in saved.items() if name in known})
