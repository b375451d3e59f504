"""买卖判官: what the shop's own books and the customers' own phones say, against what the bot has written.

Recomputed from the shop's truth (orders, refunds), the brand's rules and the messages in the customer-service log.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.chaos import checker, market
from tests.chaos.evidence import Evidence


def _orders(e: Evidence) -> dict[str, dict[str, Any]]:
    return {order["order_no"]: order for order in e.truth["orders"]}


def orders_told(e: Evidence) -> Iterator[str]:
    """商城的每张订单恰好入账一次，退款分毫不差: the books are the shop's books."""
    truth = _orders(e)
    booked = Counter(order_no for (order_no,) in e.rows("SELECT order_no FROM shop_order"))
    for order_no in truth.keys() | booked.keys():
        if (order_no in truth, booked[order_no]) != (True, 1):
            yield f"{order_no}: in the shop {order_no in truth}, booked {booked[order_no]} times"
    for order_no, amount, refunded in e.rows("SELECT order_no, amount_fen, refunded_fen FROM shop_order"):
        order = truth.get(order_no)
        if order and (amount, refunded) != (order["amount_fen"], order["refunded_fen"]):
            yield f"{order_no}: booked {amount}/{refunded}, the shop has {order['amount_fen']}/{order['refunded_fen']}"


MUST_GO_BACK = (
    # A payment for a checkout that could not be honoured, a seat of a team that failed, a free leader.
    ("not honoured", "SELECT order_no FROM shop_order WHERE checkout_id IS NULL AND order_no LIKE 'P%'"),
    ("seat of a failed team", "SELECT o.order_no FROM team_seat s JOIN shop_order o ON o.id = s.order_id "
     "JOIN team t ON t.id = s.team_id WHERE t.status = 'expired'"),
    ("free leader", "SELECT o.order_no FROM team t JOIN team_seat s ON s.team_id = t.id AND s.member_id = t.leader_id "
     "JOIN shop_order o ON o.id = s.order_id WHERE t.status = 'success' AND s.status = 'paid'"),
)  # fmt: skip


def money_back(e: Evidence) -> Iterator[str]:
    """没拿到东西的人，钱都退了: whoever did not get what they paid for has all their money."""
    truth = _orders(e)
    for why, sql in MUST_GO_BACK:
        for (order_no,) in e.rows(sql):
            order = truth[order_no]
            if order["refunded_fen"] != order["amount_fen"]:
                yield f"{order_no} ({why}): paid {order['amount_fen']}, got back {order['refunded_fen']}"
    for order_no, fen in e.rows(
        "SELECT o.order_no, r.amount_fen FROM refund r JOIN shop_order o ON o.id = r.order_id WHERE r.status = 'owed'"
    ):
        yield f"{order_no}: {fen} fen are still owed"


def goods_exact(e: Evidence) -> Iterator[str]:
    """不超卖: what left the shelf is what was paid for and kept; nothing is held any more."""
    sold: Counter[str] = Counter()
    flash = 0
    for kind, items in e.rows("SELECT kind, items FROM checkout WHERE status = 'paid'"):
        flash += kind == "flash_sale"
        for item in json.loads(items):
            sold[item["sku"]] += item["qty"]
    stocks = {name: rest for name, *rest in e.rows("SELECT name, total, remaining, reserved, taken FROM stock")}
    for sku, (_, pieces) in market.GOODS.items():
        if pieces is not None and stocks[f"sku:{sku}"] != [pieces, pieces - sold[sku], 0, sold[sku]]:
            yield f"{sku}: {pieces} pieces, sold {sold[sku]}, books {stocks[f'sku:{sku}']}"
    if flash > market.FLASH_TOTAL:
        yield f"{flash} sold in a flash sale of {market.FLASH_TOTAL}"
    waiting = [f"limit:campaign:{n}:" for (n,) in e.rows("SELECT id FROM campaign WHERE kind = 'referral'")]
    for name, (_, _, reserved, _) in stocks.items():
        if reserved and not name.startswith(tuple(waiting)):  # an invitee may still place a first order
            yield f"{name} holds {reserved} for nobody"


def points_by_the_rules(e: Evidence) -> Iterator[str]:
    """积分按规则重算: gift + what the kept part of every order earns + referrals paid; debts counted against it."""
    due: Counter[int] = Counter()
    holders = {customer: ids[0] for customer, ids in e.members().items() if ids}
    granted = e.counted("""SELECT member_id FROM "grant" WHERE campaign = 'sign_up' AND status = 'granted'""")
    for member_id, times in granted.items():
        due[member_id] += e.rules["points"] * times
    for order in e.truth["orders"]:
        amount, left = order["amount_fen"], order["amount_fen"] - order["refunded_fen"]
        due[holders[order["external_userid"]]] += amount // 100 * left // amount
    for inviter, invitee in e.rows("SELECT inviter_id, invitee_id FROM referral WHERE status = 'paid'"):
        due[inviter] += market.INVITER_POINTS
        due[invitee] += market.INVITEE_POINTS
    held = e.counted("SELECT account, amount FROM balance WHERE asset = 'points'")
    debt = e.counted("SELECT debit, amount FROM transfer WHERE debit LIKE 'debt:%'")
    debt.subtract(e.counted("SELECT credit, amount FROM transfer WHERE credit LIKE 'debt:%'"))
    for member_id in due.keys() | set(holders.values()):
        has = held[f"member:{member_id}"] - debt[f"debt:{member_id}"]
        if has != due[member_id]:
            yield f"member {member_id} has {has} points, the rules say {due[member_id]}"


def referrals_earned(e: Evidence) -> Iterator[str]:
    """奖励有据: an invitee is paid for once, by a standing first order, never to oneself, never in a circle."""
    best: Counter[str] = Counter()
    for order in e.truth["orders"]:
        buyer = order["external_userid"]
        best[buyer] = max(best[buyer], order["amount_fen"] - order["refunded_fen"])
    names = {ids[0]: customer for customer, ids in e.members().items() if ids}
    for invitee, times in e.counted("SELECT invitee_id FROM referral WHERE status = 'paid'").items():
        if times != 1 or best[names[invitee]] < 1_000:
            yield f"invitee {invitee} was paid for {times} times, their best order stands at {best[names[invitee]]}"
    above = dict(e.rows("SELECT id, referrer_id FROM member WHERE referrer_id IS NOT NULL"))
    for start in above:
        seen, here = {start}, above.get(start)
        while here is not None and here not in seen:
            seen.add(here)
            here = above.get(here)
        if here is not None:
            yield f"member {start} is among their own referrers"


def teams_fair(e: Evidence) -> Iterator[str]:
    """成团与否只看付款人数: a team that made it is full, one that failed kept nobody, none is open any more."""
    seats: dict[int, Counter[str]] = defaultdict(Counter)
    for team_id, status in e.rows("SELECT team_id, status FROM team_seat"):
        seats[team_id][status] += 1
    for team_id, status, size, paid, held in e.rows("SELECT id, status, size, paid, held FROM team"):
        there = seats[team_id]
        fair = {
            "success": there["paid"] == paid == size == market.TEAM_SIZE,
            "expired": there["paid"] == 0 and paid < size,
        }.get(status, False)
        if not fair or held or there["held"]:
            yield f"team {team_id} is {status}: {paid} of {size}, held {held}, seats {dict(there)}"


def bargains_exact(e: Evidence) -> Iterator[str]:
    """砍价分毫不差: the price is the start less the cuts, the last cut reaches the floor, nobody cuts twice."""
    cuts: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for bargain_id, helper_id, fen in e.rows("SELECT bargain_id, helper_id, cut_fen FROM bargain_cut"):
        cuts[bargain_id].append((helper_id, fen))
    for bargain_id, start, floor, price, status in e.rows(
        "SELECT id, start_fen, floor_fen, price_fen, status FROM bargain"
    ):
        made = cuts[bargain_id]
        full = len(made) == market.BARGAIN_CUTS
        if (
            price != start - sum(fen for _, fen in made)
            or (price == floor) != full
            or len({helper for helper, _ in made}) != len(made)
            or status in ("open", "locked")
        ):
            yield f"bargain {bargain_id} is {status} at {price} of {start}..{floor} after {made}"


def coupons_scarce(e: Evidence) -> Iterator[str]:
    """券不超发、一券一用: never more than there are, within each person's limit, each used by one order."""
    for template, total in market.COUPONS.items():
        given = e.counted(f"SELECT member_id FROM coupon WHERE template = '{template}'")
        if sum(given.values()) > total or max(given.values(), default=0) > 2:
            yield f"{template}: {sum(given.values())} of {total} given, {max(given.values())} to one person"
    for code, status, order_id in e.rows(
        "SELECT code, status, order_id FROM coupon WHERE status = 'reserved' OR order_id IS NOT NULL"
    ):
        if status not in ("redeemed", "active"):
            yield f"coupon {code} is {status} of order {order_id}"


def _chats(e: Evidence) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for customer in e.truth["customers"]:
        for chat in customer.get("kf", {}).values():
            yield customer["external_userid"], chat["messages"]


def words_heard(e: Evidence) -> Iterator[str]:
    """每句话恰好听见一次，各人的次序不乱: each message to customer service is in the inbox once, in its order."""
    places = defaultdict(list)
    for key, row_id in e.rows("SELECT key, id FROM inbox WHERE source = 'wecom_kf'"):
        places[key].append(row_id)
    for customer, messages in _chats(e):
        last = 0
        for message in messages:
            if message["from"] != "customer":
                continue
            rows = places[f"wecom_kf:msg:{message['msgid']}"]
            if len(rows) != 1 or rows[0] < last:
                yield f"{customer}: {message['msgid']} is in the inbox {len(rows)} times, after a later one: {rows}"
            last = max([last, *rows])


def words_answered(e: Evidence) -> Iterator[str]:
    """每句话都有回应: what a member said has an answer on its way, or a note that nobody could be told. Of many words
    at once the newest is answered in the pause that the first of them has asked for; people answer whom they have."""
    answered = {cause for (cause,) in e.rows("SELECT DISTINCT cause FROM outbox")}
    answered |= {cause for (cause,) in e.rows("SELECT cause FROM audit_log WHERE action = 'member.untold'")}
    places = dict(e.rows("SELECT key, id FROM inbox WHERE source = 'wecom_kf' OR source = 'timer'"))
    said_by = {f"wecom_kf:msg:{message['msgid']}": who for who, chat in _chats(e) for message in chat}
    pauses: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for timer, of in e.rows("SELECT id, key FROM timer WHERE name = 'reply_quiet' AND status = 'fired'"):
        first = of.removeprefix("reply_quiet:")
        if f"timer:{timer}" in answered:
            pauses[said_by[first]].append((places[first], places[f"timer:{timer}"]))
    given = _given_to_people(e)
    for key, route in e.rows("SELECT key, route FROM inbox WHERE source = 'wecom_kf' AND kind = 'TextReceived'"):
        theirs = "kf.silent" in route and said_by[key] in given
        if key not in answered and not theirs and not any(a <= places[key] < b for a, b in pauses[said_by[key]]):
            yield f"nobody answered {key}"


def _given_to_people(e: Evidence) -> set[str]:
    """Whose talk the platform really gave to its people (2 = waiting for one, 3 = with one)."""
    return {body["external_userid"] for body in e.effects("kf/service_state/trans") if body["service_state"] in (2, 3)}


def never_a_sixth(e: Evidence) -> Iterator[str]:
    """48 小时内至多五条: WeCom never had to refuse a sixth message, and none was delivered."""
    for call in e.calls:
        reply = call["reply"] if isinstance(call["reply"], dict) else {}  # a fault may tear it
        if call["path"] == "kf/send_msg" and reply.get("errcode") in (95001, 95002):
            yield f"refused with {call['errcode']}: {call['body']}"
    for customer, messages in _chats(e):
        since = 0
        for message in messages:
            since = 0 if message["from"] == "customer" else since + (message["from"] == "bot")
            if since > 6:  # five answers and the welcome, which has a code of its own
                yield f"{customer} got {since} messages without a word"


TRADE_RULES: tuple[checker.Rule, ...] = (
    *[rule for rule in checker.RULES if rule is not checker.points_exact],
    orders_told, money_back, goods_exact, points_by_the_rules, referrals_earned, teams_fair, bargains_exact,
    coupons_scarce, words_heard, words_answered, never_a_sixth,
)  # fmt: skip
