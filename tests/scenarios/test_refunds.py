"""应退 what we owe back: asked for until it is paid, however the shop's own refunds cross ours."""

from __future__ import annotations

from bot.errors import Action, WeComError
from tests.shop import Shop

PRICE = 6_000


async def owed(mall: Shop, *answers: WeComError) -> None:
    """A team failed with one paid seat: we owe that buyer the price; the shop answers so when it is asked."""
    await mall.product("A", 10_000)
    await mall.campaign("group_buy", sku="A", size=2, price_fen=PRICE)
    await mall.says("wm1", "开团")
    await mall.pays("wm1", "o1", PRICE, mall.checkout("wm1"))
    mall.bot.wecom.answers["order/refund"] = list(answers)
    await mall.passes(days=2)


def too_much() -> WeComError:
    return WeComError(409, "more than is left", "order/refund", action=Action.DROP)


def rows(mall: Shop) -> list[tuple[str, int]]:
    return [tuple(row) for row in mall.bot.rows("SELECT status, amount_fen FROM refund ORDER BY id")]


async def test_what_the_shop_paid_back_meanwhile_is_not_asked_for_twice(mall: Shop) -> None:
    await owed(mall, too_much())
    await mall.bot.deliver()
    await mall.refunds("o1", 1_000)  # the shop's own, told late
    assert rows(mall) == [("owed", PRICE)]

    await mall.passes(minutes=11)
    await mall.bot.deliver()

    assert rows(mall) == [("refused", PRICE), ("owed", PRICE - 1_000)]
    asked = mall.bot.wecom.sent("order/refund")
    assert [call["amount_fen"] for call in asked] == [PRICE, PRICE - 1_000]
    assert len({call["refund_no"] for call in asked}) == 2
    await mall.owed_refunds_happen()
    assert rows(mall)[1] == ("done", PRICE - 1_000)


async def test_nothing_is_asked_when_the_shop_has_paid_all_back_by_itself(mall: Shop) -> None:
    await owed(mall, too_much())
    await mall.bot.deliver()
    await mall.refunds("o1", PRICE)
    await mall.passes(minutes=11)
    await mall.bot.deliver()

    assert rows(mall) == [("refused", PRICE)]
    assert len(mall.bot.wecom.sent("order/refund")) == 1


async def test_a_shop_that_always_refuses_is_asked_six_times_and_then_a_person_must_look(mall: Shop) -> None:
    await owed(mall, *[too_much() for _ in range(20)])
    for _ in range(20):
        await mall.bot.deliver()
        await mall.passes(hours=1)

    assert len(mall.bot.wecom.sent("order/refund")) == 6
    assert rows(mall)[-1] == ("owed", PRICE)
    assert mall.bot.count("audit_log", "action = 'refund.given_up'") == 1


async def test_without_a_way_to_the_shop_it_stays_owed(mall: Shop) -> None:
    await owed(mall, WeComError(None, "refund_url is not set", "order/refund", action=Action.DROP))
    await mall.bot.deliver()
    await mall.passes(days=1)

    assert rows(mall) == [("owed", PRICE)]
    assert mall.bot.count("outbox", "call = 'order/refund' AND done_at IS NULL") == 0
