"""知识库接口: files come in over HTTP, a search says why, questions without an answer get one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from storage import questions
from tests.fakes import Bot
from tests.office import TOKEN, Office, office_of

FAQ = "问题,答案,相似问,类型\n怎么退货,七天内联系导购,能退吗,\n退货安抚,真不好意思,,话术\n"


@pytest.fixture
async def office(bot: Bot) -> AsyncIterator[Office]:
    """The API of a bot that knows two things."""
    async with office_of(bot) as running:
        assert (await send(running, FAQ))[0] == 200
        yield running


async def send(office: Office, text: str, query: str = "source=faq.csv", token: str = TOKEN) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/knowledge?{query}"
    async with office.client.post(path, data=text.encode(), headers=headers) as response:
        return response.status, await response.json()


async def test_a_file_comes_in_and_says_what_became_of_it(office: Office) -> None:
    status, body = await send(office, FAQ.replace("七天", "十五天"))
    assert (status, body) == (200, {"source": "faq.csv", "rows": 2, "encoding": "utf-8-sig", "dry_run": False,
                                    "new": 0, "changed": 1, "same": 1, "withdrawn": 0})  # fmt: skip
    items = (await office.get("knowledge"))[1]["items"]
    assert [(item["title"], item["version"], item["asks"]) for item in items] == [
        ("退货安抚", 1, []), ("怎么退货", 2, ["能退吗"])]  # fmt: skip
    one = (await office.get(f"knowledge/{items[1]['id']}"))[1]
    assert [piece["text"] for piece in one["pieces"]] == ["十五天内联系导购"]
    assert [version["content"]["sections"][0][1] for version in one["versions"]] == [
        "七天内联系导购",
        "十五天内联系导购",
    ]


async def test_wrong_rows_come_back_in_the_one_shape(office: Office) -> None:
    status, body = await send(office, "问题,答案\n甲,\n,乙\n")
    assert (status, body["error"]["code"], body["error"]["count"]) == (422, "wrong_rows", 2)
    assert [(row["line"], row["field"]) for row in body["error"]["rows"]] == [(2, "answer"), (3, "question")]
    assert len((await office.get("knowledge"))[1]["items"]) == 2


@pytest.mark.parametrize(
    ("text", "query", "status", "field"),
    [
        (FAQ, "", 422, "source"), (FAQ, "source=a.docx", 422, "source"), ("", "source=a.csv", 400, "body"),
        (FAQ, "source=a.csv&dry=1", 400, "dry"), (FAQ, "source=a.csv&dry_run=x", 400, "dry_run"),
        ("\0\0", "source=a.csv", 422, "file"),
    ],
)  # fmt: skip
async def test_what_is_no_file_is_refused(office: Office, text: str, query: str, status: int, field: str) -> None:
    got, body = await send(office, text, query)
    assert (got, body["error"]["field"]) == (status, field)


async def test_a_search_tests_what_members_and_guides_find(office: Office) -> None:
    found = (await office.get(f"knowledge/search?q={quote('怎麼退貨')}"))[1]
    assert [(item["name"], item["good"], item["why"]) for item in found["items"]] == [("怎么退货", True, "")]
    both = (await office.get(f"knowledge/search?q={quote('退货')}&staff=1"))[1]["items"]
    assert {item["kind"] for item in both} == {"faq", "script"}
    (weak,) = (await office.get(f"knowledge/search?q={quote('发票和联系方式的问题')}"))[1]["items"]
    assert not weak["good"]
    assert "「发票」" in weak["why"]
    assert "联系" in weak["matched"]


@pytest.mark.parametrize(
    ("path", "field"),
    [("search", "q"), ("search?q=x&n=0", "n"), ("search?q=x&staff=maybe", "staff"), ("?kind=joke", "kind"),
     ("?limit=0", "limit"), ("?after=x", "after"), ("?status=gone", "status")],
)  # fmt: skip
async def test_wrong_parameters_are_named(office: Office, path: str, field: str) -> None:
    status, body = await office.get(f"knowledge{'' if path.startswith('?') else '/'}{path}")
    assert (status, body["error"]["field"]) == (400, field)


async def test_what_is_removed_is_found_no_more_and_comes_back_with_its_file(office: Office) -> None:
    article = (await office.get("knowledge?kind=faq"))[1]["items"][0]
    for _ in range(2):
        assert await office.post(f"knowledge/{article['id']}/remove", {"by": "王店长"}) == (
            200, {"id": article["id"], "status": "withdrawn"})  # fmt: skip
    assert (await office.get(f"knowledge/search?q={quote('怎么退货')}"))[1]["items"] == []
    assert office.bot.count("audit_log", "action = 'knowledge.withdrawn'") == 1
    assert (await send(office, FAQ))[1]["changed"] == 1
    assert len((await office.get(f"knowledge/search?q={quote('怎么退货')}"))[1]["items"]) == 1
    assert (await office.post("knowledge/999/remove"))[0] == 404
    assert (await office.get("knowledge/999"))[0] == (await office.get("knowledge/x"))[0] == 404


async def test_a_question_without_an_answer_is_linked_and_found(office: Office) -> None:
    for said in ("买错颜色了咋整", "请问买错颜色了咋整？", "在哪里停车"):
        await office.bot.writer.call(
            lambda work, said=said: questions.note(work.db, work.ids, said, "member", work.now)  # type: ignore[misc]
        )
    listed = (await office.get("questions/unanswered"))[1]
    assert [(item["text"], item["times"]) for item in listed["items"]] == [("买错颜色了咋整", 2), ("在哪里停车", 1)]
    first, second = (item["id"] for item in listed["items"])
    article = (await office.get("knowledge?kind=faq"))[1]["items"][0]["id"]

    assert (await office.post(f"questions/{first}/resolve", {}))[0] == 422
    assert (await office.post(f"questions/{first}/resolve", {"article_id": 999999}))[1]["error"][
        "field"
    ] == "article_id"
    assert await office.post(f"questions/{first}/resolve", {"article_id": article}) == (
        200, {"id": first, "status": "linked", "article_id": article})  # fmt: skip
    assert (await office.post(f"questions/{first}/resolve", {"ignore": True}))[0] == 409
    assert (await office.post(f"questions/{second}/resolve", {"ignore": True}))[1]["status"] == "ignored"
    assert (await office.get("questions/unanswered"))[1] == {"items": [], "total": 0}
    (hit,) = (await office.get(f"knowledge/search?q={quote('颜色买错了')}"))[1]["items"]
    assert (hit["article_id"], hit["good"]) == (article, True)
    assert office.bot.count("outbox") == 0  # nobody is told


async def test_who_may_what(office: Office) -> None:
    guide, admin = await office.token_of("lina", "guide"), await office.token_of("zhou", "admin")
    assert (await office.get(f"knowledge/search?q={quote('退货')}&staff=1", guide))[0] == 200
    assert (await send(office, FAQ, token=guide))[0] == (await office.get("questions/unanswered", guide))[0] == 403
    assert (await office.post("knowledge/1/remove", {}, guide))[0] == 403
    assert (await send(office, FAQ, token=admin))[0] == 200
