"""日志 logs: loguru for everything, with secrets and phones taken out at the sink."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, TextIO

from loguru import logger

if TYPE_CHECKING:
    from loguru import Message

MASK = "***"
PLAIN = "{time:YYYY-MM-DDTHH:mm:ss.SSSZZ} {level:<8} {name} action={extra[action]} {message}\n{exception}"
_PATTERNS = (
    (
        re.compile(r"(access_token|corpsecret|key|secret|token|Bearer)([=:\s\\\"']+)[\w\-.+/]{6,}", re.IGNORECASE),
        r"\1\2***",
    ),
    (re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)"), r"\1****\2"),
    (re.compile(r"(?<!\d)(\d{6})\d{8}(\d{3}[\dXx])(?!\d)"), r"\1********\2"),
)


class Redactor:
    """Takes out known secrets and whatever looks like a token, a phone or an identity number."""

    def __init__(self, secrets: list[str]) -> None:
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` fit for a log."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern, kept in _PATTERNS:
            text = pattern.sub(kept, text)
        return text


class _Intercept(logging.Handler):
    """Standard logging ends in loguru too."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.bind(action="library").opt(exception=record.exc_info).log(record.levelname, "{}", record.getMessage())


def set_up(level: str, secrets: list[str], *, json_lines: bool = False, stream: TextIO | None = None) -> None:
    """Send every log line to `stream` (standard error), redacted."""
    redact, out = Redactor(secrets), stream or sys.stderr

    def write(message: Message) -> None:
        out.write(redact(str(message)))
        out.flush()

    logger.remove()
    logger.configure(extra={"action": "-"})
    # diagnose would print the values of variables, backtrace frames beyond ours: both carry secrets.
    logger.add(write, level=level, format=PLAIN, serialize=json_lines, diagnose=False, backtrace=False)
    logging.basicConfig(handlers=[_Intercept()], level=logging.WARNING, force=True)
