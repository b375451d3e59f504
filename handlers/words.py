"""Words that every audience can use."""

from __future__ import annotations

HELP_WORDS = ("帮助", "菜单", "help", "?")
CONFIRM_WORD = "确认"  # before words that move value: they are meant
CANCEL_WORD = "取消"
APPROVE_WORD, REJECT_WORD = "同意", "拒绝"  # what the play `approvals` listens to
HUMAN_WORDS = ("转人工", "人工", "人工客服", "转人工客服")  # of members, in 微信客服
