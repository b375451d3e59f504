"""What a text claims: every number with its kind, every date, promise, address and code, found in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from scenarios.facts import patterns as p
from scenarios.facts import vocabulary as v
from scenarios.facts.numerals import english, value, view
from scenarios.facts.values import Claim, Value

TAKEN = "\ue002"
_PATTERNS = [(kind, re.compile(pattern)) for kind, pattern in p.PATTERNS]
_MARKER, _TODAY = re.compile(p.MARKER), re.compile(p.TODAY)
_NOT = re.compile(rf"(?:{v.NOT})")
_WORDS = {
    "promise": re.compile(v.PROMISES),
    "forbidden": re.compile(v.FORBIDDEN),
    "action": re.compile(v.ACTIONS),
    "solicit": re.compile(v.SOLICITS),
    "inside": re.compile(v.INSIDE),
    "holder": re.compile(p.HOLDER),
    "roman": re.compile(p.ROMAN),
}
_SPANS = {"minute": 1, "hours": 60, "days": 1_440, "weeks": 10_080}
_MONTHS = {"months": 1, "quarters": 3, "years": 12}


def claims(text: str, literals: Sequence[str] = ()) -> list[Claim]:
    """Every claim in a text, names of ours (`literals`) left out."""
    shown = _without(view(text), literals)
    return [*_worded(shown), *_numbers(_MARKER.sub(lambda m: TAKEN * len(m[0]), shown))]


def _without(shown: str, literals: Sequence[str]) -> str:
    """The view with names taken out; 大衣128 is not found in 大衣1280."""
    for name in sorted({view(literal) for literal in literals}, key=len, reverse=True):
        if name.strip():
            before = "(?<![0-9])" if name[0].isdigit() else ""
            after = "(?![0-9])" if name[-1].isdigit() else ""
            shown = re.sub(before + re.escape(name) + after, TAKEN * len(name), shown)
    return shown


def _worded(shown: str) -> Iterator[Claim]:
    for kind, words in _WORDS.items():
        for match in words.finditer(shown):
            if kind not in ("promise", "forbidden") or not _denied(shown, match.start()):
                yield Claim(kind, match[0], "", match.start(), match[0])
    for match in _TODAY.finditer(shown):
        yield Claim("loose", match[0], "", match.start(), match[0])


def _denied(shown: str, place: int) -> bool:
    """Whether a promise is denied; denied twice it is made again."""
    before = re.split(r"[,。;!?\n]", shown[max(0, place - 8) : place])[-1]
    return len(_NOT.findall(before)) % 2 == 1


def _numbers(shown: str) -> Iterator[Claim]:
    for kind, pattern in _PATTERNS:
        place = 0
        while match := pattern.search(shown, place):
            start, end = match.span()
            groups = match.groupdict()
            if groups.get("pre"):
                start += len(groups["pre"])
            place = max(end, start + 1)
            if match[0] and TAKEN not in shown[start:end]:
                found = list(_read(kind, groups, shown[start:end]))
                yield from (Claim(of, what, unit, start, shown[start:end]) for of, what, unit in found)
                if found or kind == "idiom":
                    shown = shown[:start] + TAKEN * (end - start) + shown[end:]


Found = tuple[str, Value, str]


def _read(kind: str, groups: dict[str, str | None], said: str) -> Iterator[Found]:
    """The claims of one match: (kind, value, unit)."""
    reader = _READERS.get(kind)
    if reader is not None:
        yield from reader(groups, said)
    elif kind in _SPANS or kind in _MONTHS:
        yield from _spans(kind, groups)
    elif kind != "idiom":
        yield from ((kind, number, "") for number in _values(groups))


def _values(groups: dict[str, str | None]) -> list[Fraction]:
    """The numbers of a match; a half more counts for the last one."""
    found = [number for name in ("n", "m") if (said := groups.get(name)) and (number := _some(said)) is not None]
    if groups.get("and") and found:
        found[-1] += Fraction(1, 2)
    return found


def _some(said: str) -> Fraction | None:
    if said.startswith(v.HALF):
        return Fraction(1, 2)
    number = value(said.removesuffix(v.AND_HALF))
    return number + Fraction(1, 2) if number is not None and said.endswith(v.AND_HALF) else number


def _spans(kind: str, groups: dict[str, str | None]) -> Iterator[Found]:
    for number in _values(groups):
        yield ("span", number * _SPANS[kind], "") if kind in _SPANS else ("months", number * _MONTHS[kind], "")


def _discount(groups: dict[str, str | None], _: str) -> Iterator[Found]:
    for number in _values(groups):
        yield "discount", number / 10 if number > 10 else number, ""


def _money(groups: dict[str, str | None], _: str) -> Iterator[Found]:
    found, more = _values(groups), groups.get("j")
    if more and found:
        found[-1] += Fraction(1, 2) if more == v.HALF else (value(more) or Fraction(0)) / 10
    yield from (("money", number, "") for number in found)


def _scaled(kind: str, by: Fraction) -> Callable[[dict[str, str | None], str], Iterator[Found]]:
    return lambda groups, _: ((kind, number * by, "") for number in _values(groups))


def _day(groups: dict[str, str | None], said: str) -> Iterator[Found]:
    parts = tuple(_whole(groups.get(name)) for name in ("y", "mo", "d"))
    _, month, number = parts
    if (month is None or 1 <= month <= 12) and (number is None or 1 <= number <= 31):
        yield "day", parts, ""
    else:
        yield "code", said, ""


def _whole(said: str | None) -> int | None:
    number = value(said) if said else None
    return int(number) if number is not None and number.denominator == 1 else None


def _time(groups: dict[str, str | None], said: str) -> Iterator[Found]:
    hour = _whole(groups.get("h"))
    if hour is None or hour > 24:
        yield "code", said, ""
        return
    minute = 30 if groups.get("half") else 15 * (_whole(groups.get("q")) or 0) or _whole(groups.get("mi")) or 0
    if groups.get("pm") and hour < 12:
        hour += 12
    sure = bool(groups.get("am") or groups.get("pm") or hour > 12 or ":" in said)
    yield "time", (hour * 60 + minute, int(sure)), ""


def _count(groups: dict[str, str | None], said: str) -> Iterator[Found]:
    unit = groups.get("u") or ""
    article = groups.get("n") == v.ONE and not groups.get("m") and unit in v.ARTICLES.split("|")
    if article and (groups.get("pre") or "") not in v.STRESSED:
        return
    if article and not groups.get("pre"):
        return
    yield from (("count", number, unit) for number in _values(groups))


def _bare(groups: dict[str, str | None], said: str) -> Iterator[Found]:
    number, pre = groups.get("n") or "", groups.get("pre") or ""
    if len(number) == 1 and number in v.HAN and not (pre and pre in v.STRESSED):
        return
    yield from (("bare", one, "") for one in _values(groups))


def _english(_: dict[str, str | None], said: str) -> Iterator[Found]:
    number = english(said)
    if number is not None and said != "one":
        yield "bare", number, ""


def _part(groups: dict[str, str | None], _: str) -> Iterator[Found]:
    found = _values(groups) or [Fraction(1), Fraction(2)]
    if len(found) == 2 and found[1]:
        yield "part", found[0] / found[1], ""


def _said(kind: str) -> Callable[[dict[str, str | None], str], Iterator[Found]]:
    return lambda _, said: iter([(kind, said, "")])


_READERS: dict[str, Callable[[dict[str, str | None], str], Iterator[Found]]] = {
    "url": lambda groups, _: iter([("url", re.sub(v.DOTS, ".", groups["host"] or "").split("/")[0].strip("."), "")]),
    "code": _said("code"),
    "day": _day,
    "month": lambda groups, _: iter([("month", _whole(groups["mo"]) or 0, "")]),
    "time": _time,
    "buyget": lambda groups, _: iter([("buyget", tuple(int(number) for number in _values(groups)), "")]),
    "discount": _discount,
    "half": lambda _, __: iter([("discount", Fraction(5), "")]),
    "tenths": _scaled("percent", Fraction(10)),
    "cents": _scaled("money", Fraction(1, 100)),
    "dimes": _scaled("money", Fraction(1, 10)),
    "second": _scaled("span", Fraction(1, 60)),
    "part": _part,
    "money": _money,
    "weekday": lambda groups, _: iter([("weekday", v.WEEKDAYS[groups["wd"] or ""], "")]),
    "near": lambda _, said: iter([("near", v.NEAR_DAYS[said], "")]),
    "loose": _said("loose"),
    "vague": _said("vague"),
    "count": _count,
    "english": _english,
    "bare": _bare,
}
