"""群发带素材: files that staff sent go out by their code; WeCom gets each once, and again when it forgot."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage import media
from tests.broadcasts.office import QUICK, Office, opened
from tests.office import office_of

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 40
FILES = {"png": PNG, "gif": b"GIF89a" + b"\x00" * 20, "pdf": b"%PDF-1.7 menu"}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """A bot that keeps P1 (png), P2 (gif), P3 (pdf) of lina, and P4, a picture that is too big."""
    async with opened(database_url, QUICK, kept=str(tmp_path)) as running:
        for kind, data in FILES.items():
            await keep(running, tmp_path, kind, data)
        await keep(running, tmp_path, "png", PNG + b"!", size=(10 << 20) + 1)
        yield running


async def keep(office: Office, folder: Path, kind: str, data: bytes, size: int = 0) -> None:
    """lina sent a file."""
    digest = hashlib.sha256(data).hexdigest()
    path = f"{digest[:2]}/{digest}.{kind}"
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_bytes(data)
    found = {"sha256": digest, "kind": kind, "size": size or len(data), "width": 0, "height": 0, "path": path}
    await office.bot.writer.call(lambda work: media.keep(work.db, work.ids, found, "lina", "e", work.now))


def picture(code: str = "P1") -> dict[str, Any]:
    return {"msgtype": "image", "image": {"code": code}}


def attached(office: Office) -> list[list[dict[str, Any]]]:
    """What each task at WeCom carries."""
    return [task.attachments for task in office.sandbox.world.broadcasts.tasks.values()]


def uploads(office: Office) -> dict[str, Any]:
    """What WeCom has, by media_id."""
    return office.sandbox.world.media


async def test_a_kept_picture_and_file_go_out_under_one_upload_each(office: Office) -> None:
    await office.customers(2)
    await office.customers(2, "aqiang")
    menu = {"msgtype": "file", "file": {"code": "p3", "name": "秋季菜单🍁"}}
    await office.launched(attachments=[picture(), menu])

    assert [one["name"] for one in uploads(office).values()] == ["P1.png", "秋季菜单🍁.pdf"]
    image, file = uploads(office)
    assert [bytes.fromhex(one["data"]) for one in uploads(office).values()] == [PNG, FILES["pdf"]]
    assert attached(office) == [[
        {"msgtype": "image", "image": {"media_id": image}}, {"msgtype": "file", "file": {"media_id": file}}
    ]] * 2  # fmt: skip


async def test_an_upload_serves_until_it_expires(office: Office) -> None:
    await office.customers(1)
    await office.launched(attachments=[picture()])
    await office.passes(hours=60)
    await office.launched(attachments=[picture()])
    assert len(uploads(office)) == 1
    await office.passes(hours=12)
    await office.launched(attachments=[picture()])

    assert len(uploads(office)) == 2
    old, new = uploads(office)
    assert [task[0]["image"]["media_id"] for task in attached(office)] == [old, old, new]


async def test_what_wecom_lost_is_uploaded_anew_and_the_task_is_made_once(office: Office) -> None:
    await office.customers(1)
    await office.launched(attachments=[picture()])
    uploads(office).clear()
    broadcast_id = await office.launched(attachments=[picture()])

    assert (len(uploads(office)), len(attached(office))) == (1, 2)
    assert office.numbers_of(broadcast_id) == (0, 0, 1, 0, 0)


async def test_a_lost_answer_makes_no_second_task(office: Office) -> None:
    await office.customers(1)
    office.sandbox.faults.add_next({"path": "externalcontact/add_msg_template", "fault": "commit_then_drop"})
    office.sandbox.faults.add_next({"path": "media/upload", "fault": "timeout_before"})
    await office.launched(attachments=[picture()])
    for _ in range(6):
        await office.passes(70)

    assert len(attached(office)) == 1


async def test_a_file_that_is_gone_fails_with_its_reason(office: Office, tmp_path: Path) -> None:
    await office.customers(2)
    for file in tmp_path.glob("*/*.png"):
        file.unlink()
    broadcast_id = await office.launched(attachments=[picture()])

    assert office.reasons(broadcast_id) == {("failed", "media_gone"): 2}
    assert attached(office) == []


@pytest.mark.parametrize(("attachment", "field", "says"), [
    (picture("P9"), "image.code", "没有编号是 P9 的素材"),
    (picture("海报"), "image.code", "没有编号是 海报 的素材"),
    (picture("P2"), "image.code", "P2 是 gif，不能当 image 发；能发的是：jpeg、png"),
    (picture("P3"), "image.code", "P3 是 pdf"),
    (picture("P4"), "image.code", "不超过 10 MB"),
    ({"msgtype": "video", "video": {"code": "P1"}}, "video.code", "能发的是：没有"),
    ({"msgtype": "image", "image": {"code": "P1", "media_id": "x"}}, "image.media_id", "exactly one of"),
    ({"msgtype": "file", "file": {}}, "file.media_id", "exactly one of"),
])  # fmt: skip
async def test_what_cannot_go_out_is_refused_by_its_field(
    office: Office, attachment: dict[str, Any], field: str, says: str
) -> None:
    told = await office.asks("broadcasts", name="x", channel="contact", text="y", attachments=[picture(), attachment])
    assert (told["status_code"], told["error"]["field"]) == (422, f"attachments.1.{field}")
    assert says in told["error"]["message"]


async def test_a_mini_programs_picture_may_be_ours(office: Office) -> None:
    await office.customers(1)
    program = {"title": "点单", "pic_code": "P1", "appid": "wx1", "page": "index"}
    await office.launched(attachments=[{"msgtype": "miniprogram", "miniprogram": program}])

    ((item,),) = attached(office)
    assert item["miniprogram"]["pic_media_id"] in uploads(office)
    assert "pic_code" not in item["miniprogram"]


async def test_a_manager_uses_what_the_stores_own_staff_sent(office: Office) -> None:
    await office.bot.employs("lina", "guide", "s1")
    async with office_of(office.bot) as api:
        near = await api.token_of("chief", "manager", "s1")
        far = await api.token_of("other", "manager", "s2")
        body = {"name": "x", "channel": "contact", "text": "y", "attachments": [picture()]}
        assert (await api.post("broadcasts", body, near))[0] == 201
        status, told = await api.post("broadcasts", body, far)
    assert (status, told["error"]["field"]) == (422, "attachments.0.image.code")


async def test_staff_see_which_file_it_is_before_members_do(office: Office) -> None:
    broadcast_id = await office.composed(attachments=[picture()])
    await office.asks("broadcasts/test", id=broadcast_id, userids=["lina"])
    rows = office.bot.rows("SELECT payload FROM outbox WHERE call = 'message/send'")
    assert "[image] P1" in rows[-1][0]
