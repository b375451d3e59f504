"""The doctor names each fault that can be made, with its remedy, and has nothing to say of a healthy set-up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.chaos.processes import CORP, free_port
from tests.console.conftest import Shop


@contextlib.contextmanager
def faulty(shop: Shop, **faults: bool) -> Iterator[None]:
    """A sandbox that behaves as a wrongly set up corp would."""
    shop.sandbox("faults", faults, method="PUT")
    try:
        yield
    finally:
        shop.sandbox("faults", dict.fromkeys(faults, False), method="PUT")


def report(
    shop: Shop, env: dict[str, str] | None = None, *, callback: bool = False, ahead_s: int = 0
) -> tuple[int, str]:
    """Exit code and what was printed."""
    words = ["doctor"]
    if callback:
        words += ["--callback-url", f"http://127.0.0.1:{shop.world.bot_port}/wecom/app"]
    done = shop.world.run(*words, ahead_s=ahead_s, env=env)
    return done.returncode, done.stdout + done.stderr


def test_a_healthy_set_up_passes_every_check(shop: Shop) -> None:
    code, said = report(shop, callback=True)

    assert code == 0, said
    assert "✗" not in said
    assert said.count("✓") == 16, said


@pytest.mark.parametrize(
    ("env", "line"),
    [
        (
            {"SIYU_WECOM__APP__ENCODING_AES_KEY": CORP["aes_key"][:-1]},
            "✗ EncodingAESKey：SIYU_WECOM__APP__ENCODING_AES",
        ),
        ({"SIYU_WECOM__APP__SECRET": "not-it"}, "✗ 凭证：Secret 不对（40001）"),
        ({"SIYU_WECOM__APP__AGENT_ID": "7"}, "✗ 应用：AgentId 不对（40056）"),
        ({"SIYU_WECOM__CORP_ID": "ww1"}, "✗ 凭证：企业 ID 不对（40013）"),
        ({"SIYU_WECOM__API_BASE": "http://127.0.0.1:9"}, "拒绝连接"),
        ({"SIYU_WECOM__API_BASE": "http://no-such-host.invalid"}, "域名解析不了"),
        ({"SIYU_WECOM__APP__TOKEN": CORP["token"][:-1]}, "✗ 回调：签名或接收方不符（401）"),
        ({"SIYU_WECOM__APP__TOKEN": "bad token"}, "✗ Token：SIYU_WECOM__APP__TOKEN 含空格"),
        ({"SIYU_WECOM__APP__ENCODING_AES_KEY": CORP["aes_key"][:-1] + "A"}, "✗ 回调："),
        ({"SIYU_DATABASE__URL": "postgresql://nobody@127.0.0.1:9/x"}, "✗ 数据库：连不上"),
        ({"SIYU_WECOM__APP__REPLAY_WINDOW": "5"}, "replay_window_s"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(shop: Shop, env: dict[str, str], line: str) -> None:
    code, said = report(shop, env, callback=True)

    assert code == 1, said
    assert line in said


def test_an_untrusted_ip_is_named_with_the_ip(shop: Shop) -> None:
    with faulty(shop, untrusted_ip=True):
        code, said = report(shop)

    assert code == 1
    assert "IP 不可信（60020）：把 127.0.0.1 加进" in said


def test_a_secret_that_the_platform_refuses_is_named(shop: Shop) -> None:
    with faulty(shop, wrong_secret=True):
        code, said = report(shop)

    assert code == 1
    assert "Secret 不对（40001）" in said


def test_a_clock_that_runs_ahead_is_named_with_the_seconds(shop: Shop) -> None:
    code, said = report(shop, ahead_s=900)

    assert code == 1
    assert "✗ 时钟：本机时间比接口快" in said


def test_a_callback_address_where_nobody_listens_is_named(shop: Shop) -> None:
    done = shop.world.run("doctor", "--callback-url", f"http://127.0.0.1:{free_port()}/wecom/app")

    assert done.returncode == 1
    assert "✗ 回调：" in done.stdout
    assert "连不上" in done.stdout


def test_a_fresh_database_is_not_made_by_looking_at_it(shop: Shop) -> None:
    there = shop.world.workdir / f"fresh-{time.monotonic_ns()}.db"

    code, said = report(shop, {"SIYU_DATABASE__URL": f"sqlite:///{there}"})

    assert code == 1
    assert "run.py migrate" in said
    assert not there.exists()
