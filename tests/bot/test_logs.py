"""日志: forty canaries, none of which may reach the log, however it is written."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from loguru import logger

from bot.logs import Redactor, set_up

SECRETS = [f"{'SeCrEt'}{number:02d}-{'x' * number}/+=" for number in range(14)]
PHONES = [f"1{second}9{number:08d}" for number, second in enumerate("3456789")]
IDENTITIES = [f"11010119900{number}07123X" for number in range(1, 8)]
TOKENS = {
    f"token{number:02d}abcdefghijkLMNOP": line
    for number, line in enumerate(
        [
            "GET /cgi-bin/user/get?access_token=%s&userid=lina",
            "corpsecret=%s",
            '{"access_token": "%s"}',
            "Authorization: Bearer %s",
            "secret: %s",
            "token='%s'",
            "EncodingAESKey=%s",
            "suite_ACCESS_TOKEN=%s",
            "ACCESS_TOKEN : %s",
            "https://x/y?key=%s",
            "jsapi token = %s",
            "'corpsecret': '%s'",
        ]
    )
}
CANARIES = [*SECRETS, *PHONES, *IDENTITIES, *TOKENS]


@pytest.fixture(params=[False, True])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What is written, as text lines and as JSON lines."""
    stream = io.StringIO()
    set_up("DEBUG", SECRETS, json_lines=request.param, stream=stream)
    yield stream
    logger.remove()
    logger.add(lambda message: None)
    logging.basicConfig(handlers=[], force=True)


def lines() -> list[str]:
    return [
        *[f"value {secret} here" for secret in SECRETS],
        *[f"手机{phone}，" for phone in PHONES],
        *[f"身份证：{identity}" for identity in IDENTITIES],
        *[line % token for token, line in TOKENS.items()],
    ]


def test_there_are_forty() -> None:
    assert len(CANARIES) == len(set(CANARIES)) == 40


def test_no_canary_reaches_the_log_in_a_message(log: io.StringIO) -> None:
    for line in lines():
        logger.info("{}", line)

    assert [canary for canary in CANARIES if canary in log.getvalue()] == []
    assert log.getvalue().count("\n") >= 40


def test_nor_in_what_is_bound_nor_in_an_exception_nor_from_a_library(log: io.StringIO) -> None:
    for line in lines():
        logger.bind(action="x", detail=line).warning("bound")
        try:
            raise ValueError(line)
        except ValueError:
            logger.exception("it failed")
        logging.getLogger("aiohttp.client").error("request failed: %s", line)

    assert [canary for canary in CANARIES if canary in log.getvalue()] == []


def test_a_phone_keeps_what_a_person_needs_to_recognise_it() -> None:
    assert Redactor([])("13812345678 打来") == "138****5678 打来"
    assert Redactor([])("订单 2026111112345678901") == "订单 2026111112345678901"


def test_json_lines_stay_json() -> None:
    stream = io.StringIO()
    set_up("INFO", SECRETS, json_lines=True, stream=stream)
    logger.bind(action="x").info('a "quoted" secret {}', SECRETS[3])
    logger.remove()

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["record"]["extra"]["action"] == "x"
