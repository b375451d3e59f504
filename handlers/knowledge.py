"""知识库 knowledge: what an admin decides about it: an article is withdrawn, a question without an answer gets one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read
from storage import articles, questions

Answer = tuple[int, dict[str, Any]]


class Removal(BaseModel):
    """Which article nobody should find any more, and who says so."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(default="api", min_length=1, max_length=64)


class Resolution(BaseModel):
    """What becomes of a question: `article_id` answers it (and with `learn` is found by it), or nobody need (`ignore`).
    Whoever asked is told nothing."""

    model_config = ConfigDict(extra="forbid")

    id: int
    article_id: int | None = None
    learn: bool = True
    ignore: bool = False
    by: str = Field(default="api", min_length=1, max_length=64)

    @model_validator(mode="after")
    def _one_way(self) -> Resolution:
        if (self.article_id is None) != self.ignore:
            raise ValueError("article_id: give either article_id or ignore")
        return self


def remove(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Withdraw an article; its versions stay, and its file brings it back when it is read again."""
    given: Removal = read(turn, Removal, body)
    row = articles.articles.one(turn.db, id=given.id)
    if row is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_article"))
    if articles.withdraw(turn.db, row.id, given.by, turn.now):
        turn.audit(given.by, "knowledge.withdrawn", f"article:{row.id}", title=row.title, source=row.source)
    return 200, {"id": row.id, "status": "withdrawn"}


def resolve(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Link a question to the article that answers it, or let it be."""
    given: Resolution = read(turn, Resolution, body)
    question = questions.questions.one(turn.db, id=given.id)
    if question is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_question"))
    if given.article_id is None:
        done = questions.ignore(turn.db, question, given.by, turn.now)
    elif articles.articles.one(turn.db, id=given.article_id, status="live") is None:
        raise Refused(422, "wrong_value", turn.texts.render("admin/no_article"), "article_id")
    else:
        done = questions.link(
            turn.db, turn.ids, question, given.article_id, given.by, turn.now, learn=given.learn
        )  # fmt: skip
    if not done:
        raise Refused(409, "wrong_state", turn.texts.render("admin/question_decided"))
    status = "ignored" if given.ignore else "linked"
    turn.audit(given.by, f"question.{status}", f"question:{question.id}", text=question.text, article=given.article_id)
    return 200, {"id": question.id, "status": status, "article_id": given.article_id}


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    "knowledge/remove": remove,
    "questions/resolve": resolve,
}
