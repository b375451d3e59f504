"""双人 signing: whether two names are one person, and what two persons may sign for together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from bot.router import Problem
from bot.texts import yuan
from bot.turn import Turn
from handlers import wording
from handlers.approving import second
from handlers.refusals import Refused, refuse
from scenarios.second_person import same_person

LONGEST = timedelta(days=90)


class Override(BaseModel):
    """例外: a second person (`by`) allows what the linter refuses, for a reason, until a day.

    Only the owner's token may name that person; with anybody else's the request waits for one.
    """

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="", max_length=64)
    reason: str = Field(max_length=200)
    until: datetime


def settle(
    turn: Turn, found: Iterable[Problem], override: Override | None, made_by: str, ends_at: datetime | None
) -> list[dict[str, str]]:
    """Refuse what is wrong; hints, and what was signed for, come back as warnings.

    What is signed for must end (`ends_at`) before the signature does.
    """
    warnings, signed, signer = [], False, ""
    for problem in sorted(found, key=lambda problem: ("block", "sign", "hint").index(problem.level)):
        message = turn.texts.render(problem.text, **problem.values)
        if problem.level == "block":
            raise Refused(422, "wrong_value", message, problem.field)
        if problem.level == "sign" and override is None:
            raise Refused(422, "needs_override", message, problem.field)
        if problem.level == "sign" and override is not None and not signed:
            _check(turn, override, made_by, ends_at)
            signer = second(turn, made_by, turn.actor if _own_token(turn) else override.by, message)
            signed = True
        warnings.append({"level": problem.level, "field": problem.field, "message": message})
    if signed and override is not None:
        fields = [warning["field"] for warning in warnings if warning["level"] == "sign"]
        turn.audit(signer, "override.signed", f"override:{made_by}", reason=override.reason, fields=fields,
                   until=override.until.isoformat())  # fmt: skip
    return warnings


def _own_token(turn: Turn) -> bool:
    """Whether somebody asks with a token of their own, who can name nobody else."""
    return turn.staff is not None and turn.staff.userid != ""


def _check(turn: Turn, override: Override, made_by: str, ends_at: datetime | None) -> None:
    if not _own_token(turn) and (not override.by or same_person(override.by, made_by)):
        refuse(turn, "override.by", "admin/override_person")
    if len("".join(override.reason.split())) < 4:
        refuse(turn, "override.reason", "admin/override_reason")
    if override.until.tzinfo is None:
        refuse(turn, "override.until", "admin/no_zone")
    late = ends_at is None or ends_at > override.until
    if late or not turn.now < override.until <= turn.now + LONGEST:
        refuse(turn, "override.until", "admin/override_until")


def baited(turn: Turn, texts: dict[str, str]) -> list[Problem]:
    """What baits people into sharing among the texts of a drive, by field; worse when a link goes with it. Nobody signs
    for a pyramid scheme."""
    link = next((found for text in texts.values() if (found := wording.link(text))), "")
    problems = []
    for field, text in texts.items():
        if scheme := wording.pyramid(turn.texts, text):
            problems.append(Problem(field, "campaigns/pyramid", {"found": scheme}))
        if bait := wording.bait(turn.texts, text):
            with_link = Problem(field, "campaigns/sharing_link", {"found": bait, "link": link})
            problems.append(with_link if link else Problem(field, "campaigns/sharing", {"found": bait}, "sign"))
    return problems


def money(fen: int) -> dict[str, int | str | None]:
    """What something can cost, in fen and as people read it; -1 = without bound, which no number of yuan says."""
    return {"worst_fen": fen, "worst_yuan": None if fen < 0 else yuan(fen)}
