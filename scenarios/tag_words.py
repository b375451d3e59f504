"""标签的话 tag_words: what a guide typed about tags, read against the tags there are. Rules only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.router import normalize
from scenarios import spoken

LONGEST = 30  # characters of a tag and of a group, as WeCom has it

_FORBIDDEN = set("/,，、;；+")

Known = Sequence[tuple[str, str]]  # (group, tag)


@dataclass(frozen=True)
class Wish:
    """What is to be put on and taken off, as it was typed; `days` 0 = until it is taken off."""

    who: str
    put: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    days: int = 0

    def again(self, ref: str, was: str = "", now: str = "") -> str:
        """The same once more of another person, with `now` in the place of `was`."""
        swapped = [now if tag == was else tag for tag in self.put]
        taken = [now if tag == was else tag for tag in self.off]
        signs = [f"+{tag}" for tag in swapped] + [f"-{tag}" for tag in taken]
        return " ".join([ref, *signs, *([f"{self.days}{spoken.DAYS_UNIT}"] if self.days else [])])


def read(who: str, rest: str) -> Wish:
    """`+羊绒 -沉睡 30天`; a word without a sign is put on."""
    put: list[str] = []
    off: list[str] = []
    days = 0
    for word in rest.split():
        span = spoken.DAYS.fullmatch(normalize(word))
        if span:
            days = int(span[1])
            continue
        sign = normalize(word[:1])
        into = off if sign in ("-", "−", "–") else put
        bare = word[1:] if sign in ("+", "-", "−", "–") else word
        into += [part for part in spoken.COMMAS.split(bare) if part]
    return Wish(who, tuple(dict.fromkeys(put)), tuple(dict.fromkeys(off)), days)


def allowed(*names: str) -> bool:
    """Whether tags and groups may be called so."""
    return all(0 < len(name) <= LONGEST and not _FORBIDDEN & set(name) and name.isprintable() for name in names)


def split(typed: str) -> tuple[str, str]:
    """`组/标签` as (group, tag); without a group ("", tag)."""
    group, _, name = typed.strip().rpartition("/")
    return group.strip(), name.strip()


def matching(typed: str, known: Known) -> list[tuple[str, str]]:
    """The tags that are called so, one in each of several groups perhaps."""
    group, name = (normalize(part) for part in split(typed))
    return [one for one in known if normalize(one[1]) == name and group in ("", normalize(one[0]))]


def near(typed: str, known: Known, most: int) -> list[tuple[str, str]]:
    """The tags whose names are most like what was typed: those that hold it, then those like it."""
    name = normalize(split(typed)[1])
    holding = [one for one in known if name and (name in normalize(one[1]) or normalize(one[1]) in name)]
    like = get_close_matches(name, [normalize(tag) for _, tag in known], n=most, cutoff=0.5)
    alike = [one for word in like for one in known if normalize(one[1]) == word]
    return list(dict.fromkeys([*holding, *alike]))[:most]


def grouped(known: Known) -> dict[str, list[str]]:
    """The tags by group, in their order."""
    found: dict[str, list[str]] = {}
    for group, name in known:
        found.setdefault(group, []).append(name)
    return found
