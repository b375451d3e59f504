"""分销 through 微信客服: whoever writes there is answered there, from the application to the payout."""

from __future__ import annotations

import re

from tests.kf import start_desk

RULES = {"rate_bp": 1_000, "refund_days": 1, "min_payout_fen": 1, "require_approval": False, "service_manager": "ma"}


async def test_a_distributors_words_are_answered_in_the_chat(database_url: str) -> None:
    async with start_desk(database_url, {"distribution": RULES}) as desk:
        desk.bot.wecom.names["wm1"] = "王女士🎉"
        assert "还不是分销员" in (await desk.hears("wm1", "我的佣金"))[-1]
        (answer,) = await desk.hears("wm1", "申请分销")
        found = re.search(r"推广码 (\S{4}-\S{4})", answer)
        assert found is not None
        assert len(answer.encode()) <= 2_048
        assert "没有找到这个推广码" in (await desk.hears("wm9", "填推广码 AAAA-AAAA"))[-1]
        assert "介绍来的" in (await desk.hears("wm9", f"填推广码　{found[1].lower()}"))[-1]
        said = await desk.hears("wm1", "我的客户")
        assert "我的客户 1 位" in said[-1]
        await desk.passes(hours=1)
        assert "没有可以提现的佣金" in (await desk.hears("wm1", "提现"))[-1]
