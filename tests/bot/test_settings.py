"""配置: what is wrong is named with its place and its remedy; secrets never stand in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.clock import ZONE
from bot.errors import ConfigError
from bot.router import Router, Words, load_plays, normalize
from bot.settings import SECRETS, load
from bot.shops import order_kinds
from bot.texts import Texts

TEXTS = Texts()


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("SIYU_"):
            monkeypatch.delenv(name)


def test_the_file_that_comes_with_the_house_is_whole() -> None:
    settings = load(TEXTS)

    assert settings.plays == [
        "consent", "tasks", "profile", "handout", "tagging", "results", "birthdays", "sign_up", "points", "coupons",
        "referral", "purchase", "first_order", "bundle", "group_buy", "bargain", "flash_sale", "redeem", "tier",
        "salon", "journey", "posts", "approvals", "group_chat", "knowledge", "broadcasts", "replies",
    ]  # fmt: skip
    assert load_plays(settings.plays, settings.play_tables)


def test_every_key_can_be_given_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIYU_SERVER__PORT", "9000")
    monkeypatch.setenv("SIYU_WECOM__APP__REPLAY_WINDOW_S", "0")
    monkeypatch.setenv("SIYU_SCENARIOS__SIGN_UP__POINTS", "7")
    settings = load(TEXTS)

    assert settings.server.port == 9000
    assert settings.wecom.app.replay_window_s == 0
    play = next(one for one in load_plays(settings.plays, settings.play_tables) if one.router.name == "sign_up")
    assert play.rules.points == 7
    assert play.rules.coupons  # the rest of the file stays


@pytest.mark.parametrize("written", ['["sign_up", "points"]', "sign_up, points"])
def test_the_plays_can_be_named_by_a_variable(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("SIYU_SCENARIOS__ENABLED", written)
    monkeypatch.setenv("SIYU_SCENARIOS__REFERRAL__GUIDES", '["lina"]')

    settings = load(TEXTS)

    assert settings.plays == ["sign_up", "points"]
    assert settings.play_tables["referral"]["guides"] == ["lina"]


def test_a_shop_has_its_own_table_and_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "mall"
    secret.write_text("s2\n", encoding="utf-8")
    monkeypatch.setenv("SIYU_ORDERS__MALL__KIND", "hmac")
    monkeypatch.setenv("SIYU_ORDERS__MALL__SECRET", "s1")
    monkeypatch.setenv("SIYU_ORDERS__MALL__NEXT_SECRET_FILE", str(secret))
    settings = load(TEXTS)

    assert settings.orders["mall"].secrets == ("s1", "s2")
    assert {"s1", "s2"} <= set(settings.secret_values())


def test_a_shop_that_could_not_check_a_signature_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIYU_ORDERS__MALL__KIND", "hmac")
    with pytest.raises(ConfigError, match="SIYU_ORDERS__MALL__SECRET"):
        order_kinds(load(TEXTS).orders)


@pytest.mark.parametrize(
    ("name", "value", "place", "hint"),
    [
        ("SIYU_SERVER__PROT", "1", "server.prot", "port"),
        ("SIYU_WECOM__APP__TOKN", "x", "wecom.app.tokn", "token"),
        ("SIYU_SERVER__PORT", "70000", "server.port", "65535"),
        ("SIYU_SERVER__PORT", "eighty", "server.port", "integer"),
        ("SIYU_ORDERS__MALL__KND", "hmac", "orders.mall", ""),
        ("SIYU_LOGS__LEVEL", "LOUD", "logs.level", "DEBUG"),
        ("SIYU_DELIVERY__MEMBER_PER_MINUTE", "31", "delivery.member_per_minute", "30"),
        ("SIYU_LLM__MODEL", "m", "llm", "SIYU_LLM__API_KEY"),
        ("SIYU_LLM__BASE_URL", "api.example.com", "llm", "missing"),
        ("SIYU_LLM__BASEURL", "x", "llm.baseurl", "base_url"),
    ],
)
def test_a_wrong_key_or_value_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, place: str, hint: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load(TEXTS)

    assert place in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize("path", SECRETS)
def test_a_secret_written_into_the_file_is_refused(tmp_path: Path, path: tuple[str, ...]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[{".".join(path[:-1])}]\n{path[-1]} = "abc"\n', encoding="utf-8")

    with pytest.raises(ConfigError, match="SIYU_" + "__".join(path).upper()):
        load(TEXTS, file=file)


def test_a_secret_may_come_from_a_file_and_is_stripped(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abcDEF123\n", encoding="utf-8")
    settings = load(TEXTS, {"SIYU_WECOM__APP__TOKEN_FILE": str(tmp_path / "token")})

    assert settings.wecom.app.token.get_secret_value() == "abcDEF123"
    assert settings.secret_values() == ["abcDEF123"]


def test_a_secret_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SIYU_API__TOKEN_FILE"):
        load(TEXTS, {"SIYU_API__TOKEN_FILE": str(tmp_path / "nothing")})


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[server\nport = 1", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"config\.toml"):
        load(TEXTS, file=file)


def test_a_play_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="no play is called bingo"):
        load_plays(["bingo"], {})


def test_two_plays_that_claim_one_word_are_refused() -> None:
    from bot.router import Play, _refuse_shared_words

    first, second = Router("first"), Router("second")
    first.words_taken.append(Words(("签到",), "member", None, print))
    second.words_taken.append(Words(("打卡", "签 到".replace(" ", "")), "member", None, print))

    with pytest.raises(ConfigError, match="first and second both listen to '签到'"):
        _refuse_shared_words([Play(first, None), Play(second, None)])
    second.words_taken[0] = Words(("签到",), "guide", None, print)  # another audience may use the word
    _refuse_shared_words([Play(first, None), Play(second, None)])


@pytest.mark.parametrize("typed", ["帮砍 AB12", "帮砍　ＡＢ１２", "  帮砍   ab12 ", "帮砍\tAB12\n"])
def test_what_is_typed_is_read_tolerantly(typed: str) -> None:
    assert normalize(typed) == "帮砍 ab12"


def test_the_shops_live_where_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIYU_SERVER__ZONE", "America/New_York")
    try:
        assert load(TEXTS).server.zone == str(ZONE) == "America/New_York"
    finally:
        ZONE.live_in("Asia/Shanghai")
    monkeypatch.setenv("SIYU_SERVER__ZONE", "Shanghai")
    with pytest.raises(ConfigError, match=r"server\.zone.*Asia/Shanghai"):
        load(TEXTS)
    assert str(ZONE) == "Asia/Shanghai"
