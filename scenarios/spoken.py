"""听得懂的字 spoken: bits of Chinese that guides type inside a command, as data for the rules that read them."""

from __future__ import annotations

import re

TAIL = re.compile(r"(?:手机)?(?:尾号|后四位|号码|手机)?:?")  # before the last digits of a phone
DAYS = re.compile(r"(\d{1,3})(?:天|日|d)")
DAYS_UNIT = "天"
COMMAS = re.compile(r"[,，、;；]")
YUAN = re.compile(r"(\d{1,8})(?:\.(\d{1,2}))?元?")  # a sum of money as people type it: 50, 50.5元
