"""The page: nothing a customer types can become code, and whatever its buttons ask for is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.app import CSP, Options, Sandbox, refuse_outside
from tests.sandbox.conftest import Desk

PAGE = Path(__file__).parents[2] / "sandbox" / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
FORBIDDEN = re.compile(r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:")


def test_the_page_is_made_of_these() -> None:
    assert {path.name for path in PAGE.iterdir()} == {
        "page.html", "page.css", "dom.js", "people.js", "world.js", "inspector.js", "main.js",
        "kf.js", "shop.js", "aibot.js", "onebot.js", "groups.js", "broadcasts.js", "model.js", "tags.js",
    }  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_writes_markup(script: Path) -> None:
    assert FORBIDDEN.findall(script.read_text(encoding="utf-8")) == []


def test_the_markup_holds_no_script_and_says_what_it_is() -> None:
    text = (PAGE / "page.html").read_text(encoding="utf-8")

    assert re.findall(r"\son\w+=", text) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert "不是企业微信" in text
    assert "'unsafe" not in CSP


def test_every_path_a_script_asks_for_is_there() -> None:
    routes = {re.sub(r"\{[^}]+\}", "*", resource.canonical) for resource in Sandbox(Options()).app().router.resources()}
    asked = set()
    for script in SCRIPTS:
        for path in re.findall(
            r"""(?:api|post|get|put|send|ask)\(\s*[`'"]([\w/${}.()?=&-]+)[`'"]""", script.read_text()
        ):
            asked.add("/__sandbox/" + re.sub(r"\$\{[^}]+\}", "*", path).split("?")[0].removeprefix("/__sandbox/"))

    assert len(asked) >= 8
    assert {path for path in asked if path not in routes and not _fits(path, routes)} == set()


def _fits(path: str, routes: set[str]) -> bool:
    parts = path.split("/")
    return any(
        len(parts) == len(known.split("/"))
        and all(a in (b, "*") or b == "*" for a, b in zip(parts, known.split("/"), strict=True))
        for known in routes
    )


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here: the scripts' syntax is not read")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_read(script: Path, tmp_path: Path) -> None:
    module = tmp_path / "x.mjs"
    module.write_bytes(script.read_bytes())
    done = subprocess.run(["node", "--check", str(module)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


async def test_the_page_comes_with_its_policy_and_every_answer_says_what_it_is(desk: Desk) -> None:
    async with desk.client.get("/") as response:
        assert response.headers["Content-Security-Policy"] == CSP
        assert response.headers["X-Sandbox"] == "not WeCom"


async def test_the_world_survives_a_restart(tmp_path: Path, desk: Desk) -> None:
    desk.sandbox.options.state = tmp_path / "world.json"
    customer, _ = await desk.joined(name="记得我🎉")
    desk.sandbox.clock.advance(86_400)
    desk.sandbox._save()

    again = Sandbox(Options(state=tmp_path / "world.json"))

    assert again.world.customers[customer].name == "记得我🎉"
    assert again.clock.offset_s == pytest.approx(86_400, abs=1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "8.8.8.8"])
def test_it_listens_to_this_machine_alone(host: str) -> None:
    with pytest.raises(SystemExit):
        refuse_outside(host)
