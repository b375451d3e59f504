"""审计: every check sees the damage it is there for, and no other check cries with it unasked."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.bigrams import READING
from storage.checks import CHECKS
from storage.engine import Database
from tests.storage.conftest import NOW

MEMBER = "INSERT INTO member VALUES (1, '', '', 0, 'basic', NULL, NULL, 0)"
GRANT = "INSERT INTO \"grant\" VALUES (10, 'sign_up', 1, '', 'granted', '', 'e1', 0)"
TRANSFER = "INSERT INTO transfer VALUES (20, 'grant:10:points', 'issuer', 'member:1', 'points', 5, 'x', 'e1', 0)"
BALANCE = "INSERT INTO balance VALUES ('member:1', 'points', 5)"
COUPON = (
    "INSERT INTO coupon VALUES (30, 'C1', '券', 1, 10, 'active', 0, 0, NULL, NULL, NULL, 'brand', 0, 0, NULL, NULL, "
    "'', '')"
)
LOT = "INSERT INTO points_lot VALUES ('member:1', 0, 5)"
OUTBOX = "INSERT INTO outbox VALUES (40, 'c', 'default', '', '{}', 0, '%s', 1, 0, 'e1', NULL, %s, 0, 0, NULL, %s, %s)"
INBOX = "INSERT INTO inbox VALUES (%d, 'k', 'X', 's', '%s', '{}', '', '{}', 0, NULL, 1, NULL, 0, %s, 0)"

ORDER = "INSERT INTO shop_order VALUES (90, 's', 'n', 1, %d, %d, '[]', '', NULL, 0, 0)"
CHECKOUT = "INSERT INTO checkout VALUES (97, 'k', 1, '%s', 1, '[]', 90, 90, '[]', '[]', '%s', 0, %s, 0, '[]', '')"
TEMPLATE = ("INSERT INTO coupon_template VALUES (7, '券', 'cash', 5, '', 9, 'all', '[]', 0, 5, %d, %d, %d, 0, 9, NULL, "
            "NULL, 'brand', 'full', 0, 1, 0, 0)")  # fmt: skip
OF_TEMPLATE = "UPDATE coupon SET template_id = 7, liability_fen = 5"
USED = "UPDATE coupon SET status = 'redeemed', used_at = 0, closed_at = 0"
TEAM = "INSERT INTO team VALUES (93, 't', 1, 1, '{}', 2, %d, %d, '%s', 0, 0, NULL)"
RULE = "INSERT INTO outreach_rule VALUES (60, 'd', 0, 1260, 540, 0)"  # quiet from 21:00 to 09:00
TOUCH = "INSERT INTO touch VALUES (1, %d, '%s', 'marketing', 'b', 60, %d, %d, 0, NULL, NULL)"
BROADCAST = ("INSERT INTO broadcast VALUES (60, 'b', 'sending', 'contact', 'marketing', '', '[]',  NULL, '{}', '[]', "
             "NULL, '', 0, '', NULL, 0, 0, %d, %d, 0, 0, %d, 0, 0, '[]', '', 0, 0, 24, 0, 0)")  # fmt: skip
_KEPT = "'', '{}', NULL, 0, %s, 0, '[]', '', '', ''"
REFERRAL = f"INSERT INTO referral VALUES (%d, 1, %d, %d, %d, '%s', {_KEPT}, %s, %s)"
PAID = f"INSERT INTO referral VALUES (%d, 1, 1, 2, 1, 'paid', {_KEPT % 5}, 4, 5)"
REWARD = "INSERT INTO \"grant\" VALUES (%d, 'referral:1', %d, '%s', 'granted', '', 'e1', 0)"
MODEL_CALL = "INSERT INTO model_call VALUES (99, '2026-11-11', 0, 'p', 1, '', %d, 0, %d, 1, '', 'ok', 0, %s)"
DRAFT = (
    "INSERT INTO draft VALUES (97, 'wk', 'wm1', 'lina', 1, 1, 'q', '', 'r', '[]', '[]', 'template', '%s', '', NULL, 0, "
    "%s, 'lina', %s)"
)
PAIR = [MEMBER.replace("(1,", "(2,").replace("NULL, NULL", "NULL, 1")]  # a second member, brought by the first

ARTICLE = ("INSERT INTO knowledge_article VALUES (110, 's', 'k', '%s', 'all', 't', '', '', '[]', '[]', NULL, NULL, '', "
           "%d, '%s', '', 0, 0)")  # fmt: skip
VERSION = "INSERT INTO knowledge_version VALUES (110, 1, '{}', '', 0)"
CHUNK = "INSERT INTO knowledge_chunk VALUES (111, 110, 0, '', 't', 't', 't', %d, 'all', '', NULL, NULL)"
COUNTED = "INSERT INTO knowledge_term VALUES ('', 1)"
ANSWER = [ARTICLE % ("faq", 1, "live"), VERSION, CHUNK % READING, COUNTED]
QUESTION = "INSERT INTO question VALUES (112, 'k', 't', 'member', 1, 0, 0, 'linked', 113, 'x', 0)"

PICTURE = "INSERT INTO media VALUES (120, 1, 'ab', 'png', 9, 1, 1, '%s', 0)"
SENT = "INSERT INTO media_sender VALUES (120, 'lina', 'e1', 0)"

WAITED = ("INSERT INTO approval VALUES (81, 'points:80', 'points', '', 1, '', 'm', '', '{}', '%s', 'wang', 0, 0, '%s', "
          "0, '')")  # fmt: skip
TAG = "INSERT INTO member_tag VALUES (1, '组', '%s', '%s', '%s', 0, %s)"
GROUP = "INSERT INTO tag_group VALUES ('组', %d, 1, '', 0)"
TAG_RULE = "INSERT INTO tag_rule VALUES (140, '组', '甲', '{}', 0, 0, 'running', %d, '', '', 0, 0, NULL)"
TAG_VERSION = "INSERT INTO tag_rule_version VALUES (140, 1, '{}', 0, 0, '', 0)"
LEVEL = "INSERT INTO member_tier VALUES (1, '%s', '', NULL, '%s', 0, %s, %s, 1, 0)"
AHEAD = "9000000000000000"
RAISED = "INSERT INTO tier_change VALUES (130, 1, '', '金卡', '%s', %d, 5, 1, 'e1', 0)"

DAMAGE = {
    "tags: one of an exclusive group at most": [
        GROUP % 1, TAG % ("甲", "hand", "", "NULL"), TAG % ("乙", "corp", "", "NULL")
    ],
    "tags: a rule's tag is of that rule": [
        GROUP % 0, TAG_RULE % 1, TAG_VERSION, TAG % ("乙", "rule", "tag_rule:140", "NULL")
    ],
    "tags: rules put on nothing in another's name": [
        GROUP % 0, TAG_RULE % 1, TAG_VERSION, TAG % ("甲", "hand", "tag_rule:140", "NULL")
    ],
    "tags: none stays past its time": [TAG % ("甲", "hand", "", "1")],
    "tags: a rule says what its newest version says": [GROUP % 0, TAG_RULE % 2, TAG_VERSION],
    "tags: a rule's group was set up": [TAG_RULE % 1, TAG_VERSION],
    "tags: walks come to their end": ["INSERT INTO tag_run VALUES (141, 'n', 5, 1, 0, 0, 'running', 0, NULL)"],
    "tags: what WeCom was asked for is answered": [
        "INSERT INTO corp_mark VALUES ('wm1', 'lina', '组', '甲', 'asked_on', 0)"
    ],
    "tags: the scale of RFM rises": [
        "INSERT INTO rfm_scale VALUES (1, 30, 60, 90, 180, 2, 3, 3, 10, 1, 2, 3, 4, 'thresholds', 0)"
    ],
    "tiers: members are called by what they hold": [LEVEL % ("金卡", "kept", AHEAD, AHEAD)],
    "tiers: raised by what was reached, lowered by what was missed": [RAISED % ("order", 4)],
    "tiers: every level has its next look": [
        LEVEL % ("金卡", "kept", AHEAD, "0"), "UPDATE member SET tier = '金卡'"
    ],
    "tiers: a level's coupon came with the raise": [
        "INSERT INTO \"grant\" VALUES (131, 'tier:金卡', 1, '2026', 'granted', '', 'e2', 0)", RAISED % ("order", 5)
    ],
    "tiers: cards follow refunds": [ORDER % (10, 0), "INSERT INTO tier_card VALUES (132, 90, 1, '黑卡', 30, 31, 0)"],
    "media: each file was sent by somebody": [PICTURE % "ab/ab.png"],
    "media: whoever sent a file sent one that is there": [SENT],
    "media: what was uploaded is kept": ["INSERT INTO media_upload VALUES (99, 'image', 'P9.png', 'm', 0, 0)"],
    "media: a file lies where its content says": [PICTURE % "ab/cd.png", SENT],
    "knowledge: what is live is found, and nothing else": [
        ARTICLE % ("faq", 1, "withdrawn"), VERSION, CHUNK % READING, COUNTED
    ],
    "knowledge: each piece is of an article": [CHUNK % READING, COUNTED],
    "knowledge: each article stands as its newest version": [
        ARTICLE % ("faq", 2, "live"), VERSION, CHUNK % READING, COUNTED
    ],
    "knowledge: scripts are for staff": [*ANSWER, "UPDATE knowledge_article SET kind = 'script'"],
    "knowledge: each piece is for whom its article is": [*ANSWER, "UPDATE knowledge_article SET audience = 'staff'"],
    "knowledge: pieces are counted": [*ANSWER, "UPDATE knowledge_term SET chunks = 2"],
    "knowledge: words are indexed as they are read now": [
        ARTICLE % ("faq", 1, "live"), VERSION, CHUNK % (READING - 1), COUNTED
    ],
    "knowledge: linked questions have their article": [QUESTION],
    "inbox: each event once": [INBOX % (50, "done", "NULL"), INBOX % (51, "done", "NULL")],
    "inbox: failed events have a next try, others have none": [INBOX % (50, "failed", "NULL")],
    "outbox: settled rows and only they have a time": [OUTBOX % ("sent", "NULL", "NULL", "NULL")],
    "outbox: what was not sent says why": [OUTBOX % ("dead", "NULL", "NULL", "5")],
    "outbox: no forgotten leases": [OUTBOX % ("leased", "NULL", "5", "NULL")],
    "ledger: each key once": [TRANSFER.replace("(20,", "(21,"), "UPDATE balance SET amount = 10"],
    "ledger: balances equal their transfers": ["UPDATE balance SET amount = 6"],
    "ledger: no negative balance": [
        "INSERT INTO balance VALUES ('member:9', 'points', -5)",
        "INSERT INTO transfer VALUES (22, 'k22', 'member:9', 'issuer', 'points', 5, 'x', 'e', 0)",
    ],
    "ledger: amounts are positive": [
        "INSERT INTO transfer VALUES (22, 'k22', 'issuer', 'expired', 'points', 0, 'x', 'e', 0)"
    ],
    "grants: each right once per person": [GRANT.replace("(10,", "(11,")],
    "grants: points went to the grant's member with the grant's cause": ["UPDATE transfer SET cause = 'another'"],
    "members: rows stand for living members": [
        "INSERT INTO identity VALUES (60, 'wecom', 'wm9', 99, 'x', 0)"
    ],
    "members: merged members hold nothing": ["UPDATE member SET merged_into = 2", "DELETE FROM coupon"],
    "identities: each name stands for one member": [
        f"INSERT INTO identity VALUES ({row}, 'wecom', 'wm1', 1, 'x', 0)" for row in (60, 61)
    ],
    "follows: each pair once": [
        f"INSERT INTO follow VALUES ({row}, 1, 'wm1', 'lina', '', 'active', '', 0, 0)" for row in (70, 71)
    ],
    "coupons: each code once": [COUPON.replace("(30,", "(31,")],
    "coupons: each hangs on a grant": ["UPDATE coupon SET grant_id = 999"],
    "stock: remaining + reserved + taken = total, none negative": ["INSERT INTO stock VALUES ('s', 10, 5, 1, 3)"],
    "approvals: the second person is another person": [WAITED % ("approved", "Wang")],
    "approvals: points that waited follow the decision": [
        WAITED % ("rejected", "chen"), "INSERT INTO points_act VALUES (80, 'k', 1, 9, 0, '', 'wang', '', 'done', 0)"
    ],
    "audit: every link follows from the one before it": ["INSERT INTO audit_link VALUES (1, 80, 'x')"],
    "audit: what people did is linked": ["INSERT INTO audit_log VALUES (80, 'lina', 'a', 's', '{}', 'c', 0)"],
    "points: lots sum to the balance": ["UPDATE points_lot SET amount = 4"],
    "ledger: nobody holds and owes at once": [
        "INSERT INTO transfer VALUES (23, 'k23', 'debt:1', 'issuer', 'points', 5, 'x', 'e', 0)"
    ],
    "orders: refunds sum to what the order says": [ORDER % (100, 40)],
    "orders: never more owed back than was paid": [
        ORDER % (100, 0), "INSERT INTO refund VALUES (91, 'r', 90, 101, 'x', 'owed', 0, NULL)"
    ],
    "orders: rewards follow refunds": [
        ORDER % (100, 0), "INSERT INTO reward VALUES (92, 'w', 90, 1, 10, 9, 'pending', 'x', 0, 0)"
    ],
    "group_buy: seats are counted right": [TEAM % (1, 1, "open")],
    "group_buy: an expired team keeps nobody's money": [
        TEAM % (0, 1, "expired"), "INSERT INTO team_seat VALUES (94, 93, 1, 'paid', 1, 90, 5, 0)"
    ],
    "group_buy: money without a seat goes back": [
        CHECKOUT % ("group_buy", "paid", "90"), ORDER.replace("NULL", "97") % (100, 0),
        TEAM.replace("93", "1") % (0, 0, "open"), "INSERT INTO stock VALUES ('limit:campaign:1:1', 1, 0, 0, 1)",
    ],
    "group_buy: a member has one seat in a team": [
        f"INSERT INTO team_seat VALUES ({row}, 93, 1, 'released', 1, NULL, 0, 0)" for row in (94, 95)
    ],
    "bargain: a helper cuts once": [
        f"INSERT INTO bargain_cut VALUES ({row}, 95, 5, {row}, 1, 0)" for row in (98, 99)
    ],
    "bargain: the price charged is the price at lock": [
        "INSERT INTO bargain VALUES (95, 'b', 1, 1, '{}', 's', 100, 10, 100, 3, 0, 'locked', 97, 0, 0)",
        CHECKOUT % ("bargain", "held", "NULL"), "INSERT INTO stock VALUES ('limit:campaign:1:1', 1, 0, 0, 1)",
    ],
    "checkout: one order pays one checkout": [
        CHECKOUT % ("x", "paid", "90"), ORDER.replace("NULL", "97") % (100, 0),
        (ORDER.replace("NULL", "97") % (100, 0)).replace("(90, 's', 'n'", "(89, 's', 'm'"),
    ],
    "limits: a person's count is what they hold and bought": [
        CHECKOUT % ("flash_sale", "held", "NULL"), "INSERT INTO stock VALUES ('limit:campaign:1:1', 2, 0, 0, 2)",
    ],
    "rewards: what waits is what stands of them": [
        "INSERT INTO transfer VALUES (22, 'k22', 'issuer', 'pending:1', 'points', 5, 'x', 'e', 0)"
    ],
    "rewards: taken back once, what refunds took": [
        "INSERT INTO transfer VALUES (22, 'reward:1:less:2', 'x', 'issuer', 'points', 5, 'refund', 'e', 0)"
    ],
    "ledger: nobody pays off more than they owe": [
        "INSERT INTO transfer VALUES (22, 'k22', 'issuer', 'debt:1', 'points', 5, 'x', 'e', 0)"
    ],
    "coupons: no template gives more than it says": [
        TEMPLATE % (1, 0, 0), OF_TEMPLATE, "INSERT INTO stock VALUES ('coupon:7', 9, 8, 0, 1)"
    ],
    "coupons: nobody has more than one person may": [
        TEMPLATE % (0, 0, 1), OF_TEMPLATE, COUPON.replace("30, 'C1'", "31, 'C2'"),
        OF_TEMPLATE,
    ],
    "coupons: used up by the order that paid": [USED, "UPDATE coupon SET order_id = 5"],
    "coupons: never more off than there is": [
        CHECKOUT % ("x", "held", "NULL"), "UPDATE coupon SET checkout_id = 97, status = 'reserved', discount_fen = 1"
    ],
    "coupons: the budget holds what they may cost": [TEMPLATE % (0, 10, 0), OF_TEMPLATE],
    "coupons: none ends early, none is used late": [
        "UPDATE coupon SET status = 'expired', closed_at = 5, expires_at = 6"
    ],
    "bargain: price = start - cuts, floor exact": [
        "INSERT INTO bargain VALUES (95, 'b', 1, 1, '{}', 's', 100, 10, 99, 3, 0, 'open', NULL, 0, 0)",
        "INSERT INTO stock VALUES ('limit:campaign:1:1', 1, 0, 0, 1)",
    ],
    "coupons: states say when and by what": ["UPDATE coupon SET status = 'redeemed'"],
    "coupons: as many issued as the stock gave": ["INSERT INTO stock VALUES ('coupon:7', 10, 9, 0, 1)"],
    "checkouts: what is paid has its order": [
        "INSERT INTO checkout VALUES (97, 'k', 1, 'purchase', 0, '[]', 5, 5, '[]', '[]', 'paid', 0, NULL, 0, '[]', '')"
    ],
    "redeem: points, coupon and undoing agree": [
        "INSERT INTO redemption VALUES (98, 1, 1, '{}', 5, '[]', '[]', 30, 'done', 0, 0)"
    ],
    "referral: two levels at most": [
        REFERRAL % (96, 2, 3, 3, "rejected", "NULL", "NULL", "NULL")
    ],
    "referral: who brought whom is a forest": [
        "UPDATE member SET referrer_id = 2", MEMBER.replace("(1,", "(2,").replace("NULL, NULL", "NULL, 1"),
    ],
    "referral: one parent, the same everywhere": [
        *PAIR, REFERRAL % (96, 1, 2, 1, "pending", "NULL", "NULL", "NULL"), "UPDATE member SET referrer_id = NULL"
    ],
    "referral: a newcomer is paid for once": [*PAIR, PAID % 96, PAID % 97],
    "referral: paid only after the hold, for two persons": [
        *PAIR, REFERRAL % (96, 1, 2, 1, "paid", "5", "4", "4")
    ],
    "referral: no more rewards than paid referrals": [
        *PAIR, REFERRAL % (96, 1, 2, 1, "held", "5", "4", "NULL"), REWARD % (98, 1, "inviter:96")
    ],
    "referral: nothing stands for a refunded order": [
        *PAIR, PAID % 96, "UPDATE referral SET order_id = 90", ORDER % (100, 100),
        "INSERT INTO order_refund VALUES (91, 's', 'r', 'n', 100, 1, 0)",
    ],
    "model: budgets hold and gave what the calls say": [
        "INSERT INTO stock VALUES ('model:2026-11-11', 9, 4, 5, 0)", MODEL_CALL % (5, 3, "NULL"), MODEL_CALL % (0, 1, 5)
    ],
    "model: each call stands in its day's budget": [MODEL_CALL % (5, 0, "NULL")],
    "replies: what was sent has its one message": [DRAFT % ("sent", "5", "40")],
    "replies: what waits for a guide is shown once": [
        "INSERT INTO conversation VALUES ('wk', 'wm1', 1, 'k', 'q', 1, 0, 'guide', 0, 0, 0, 0, 0)",
        DRAFT % ("stale", "5", "NULL"),
    ],
    "referral: each rung once": [REWARD % (98, 1, "rung:000003:0"), REWARD % (99, 1, "rung:000003:1")],
}  # fmt: skip
OUTREACH_DAMAGE = {
    "consent: how a member stands is what they said last": [
        "INSERT INTO consent_act VALUES (60, 1, 'marketing', 'out', 'member', 'kf', '', 'e1', 0)",
        TOUCH % (1, "out", 1, 0),
        "INSERT INTO consent VALUES (1, 'marketing', 'in', 60, 0)",
    ],
    "outreach: nobody is reached who said no": [RULE, TOUCH % (1, "out", 0, 0), TOUCH % (2, "send", 1, 700)],
    "outreach: nobody is reached more often than allowed": [
        RULE, "INSERT INTO outreach_cap VALUES (60, 7, 1)", TOUCH % (1, "send", 1, 700), TOUCH % (2, "send", 7, 700)
    ],
    "outreach: nobody is reached in quiet hours": [RULE, TOUCH % (1, "send", 1, 1259), TOUCH % (2, "send", 1, 1260)],
    "broadcast: left + suppressed + tasked + sent + failed is its audience": [
        BROADCAST % (2, 2, 0), "INSERT INTO audience VALUES (60, 1, 'wm1', 'lina', 'left', '', NULL, 0)"
    ],
    "broadcast: everyone at most once": [
        BROADCAST % (2, 2, 0), *["INSERT INTO audience VALUES (60, 1, 'wm1', 'lina', 'left', '', NULL, 0)"] * 2
    ],
    "broadcast: whoever was reached is counted": [
        BROADCAST % (1, 0, 1), "INSERT INTO audience VALUES (60, 1, 'wm1', 'lina', 'sent', '', 61, 0)"
    ],
    "members: statistics are what the orders say": [
        ORDER % (100, 0), "INSERT INTO member_stats VALUES (1, 2, 100, 0, 0)"
    ],
}  # fmt: skip
TASK = "INSERT INTO broadcast_task VALUES (64, 60, 'lina', 1, '%s', '%s', '', 1, %d, 0, 0, NULL, 0, NULL, NULL, 40)"
IN_TASK = "INSERT INTO audience VALUES (60, 1, 'wm1', 'lina', 'sent', '', 64, 0)"
TOUCHED = "INSERT INTO touch VALUES (1, 9, 'send', 'marketing', 'broadcast:60', 60, 1, 700, 0, NULL, NULL)"
REACHED = [BROADCAST % (1, 0, 1), IN_TASK, TOUCHED]
COUPON_OF = TEMPLATE % (0, 0, 0)
OUTREACH_DAMAGE |= {
    "broadcast: a task accounts for its receivers": [*REACHED, TASK % ("m", "done", 0)],
    "broadcast: who is in a task is in one of their guide's": REACHED,
    "broadcast: each task at WeCom is one": [BROADCAST % (0, 0, 0), TASK % ("", "made", 0)],
    "broadcast: nothing is owed after a stop": [
        BROADCAST % (0, 0, 0), TASK % ("", "cancelled", 0), "UPDATE broadcast SET status = 'stopped'",
        "INSERT INTO audit_log VALUES (80, 'rule:x', 'broadcast.stopped', 'broadcast:60', '{}', 'c', 0)",
        OUTBOX % ("pending", "NULL", "NULL", "NULL"), "UPDATE outbox SET created_at = 5",
    ],
    "broadcast: what is done has nobody who waits": [
        BROADCAST % (1, 1, 0), "INSERT INTO audience VALUES (60, 1, 'wm1', 'lina', 'left', '', NULL, 0)",
        "UPDATE broadcast SET status = 'done', frozen_at = 0",
    ],
    "broadcast: the coupon that is spoken of was given": [
        *REACHED, TASK % ("m", "done", 1), COUPON_OF, "UPDATE broadcast SET coupon = '券'"
    ],
}  # fmt: skip
DAMAGE |= OUTREACH_DAMAGE
HANDOUT = "INSERT INTO handout VALUES (%d, 'lina', 1, 7, 5, '%s', %s, 'd', 0, 0, 0, 'lina')"
RIGHT = ["UPDATE coupon SET template_id = 7", "UPDATE \"grant\" SET occurrence = 'handout:80'"]
GIVEN = [
    "INSERT INTO stock VALUES ('handout:lina:d', 9, 8, 0, 1)",
    "INSERT INTO stock VALUES ('handout_fen:lina:d', 9, 4, 0, 5)",
]
DAMAGE |= {
    "approvals: coupons that waited follow the decision": [
        (WAITED % ("rejected", "chen")).replace("points:80", "handout:80"),
        HANDOUT % (80, "done", 30), *RIGHT, *GIVEN,
    ],
    "approvals: coupons that wait were asked about": [HANDOUT.replace("0, 0, 0, 'l", "0, 0, NULL, 'l") % (
        80, "waiting", "NULL"
    )],
    "handout: each is a coupon of its template and its own right": [HANDOUT % (80, "done", 30), *GIVEN],
    "handout: a day's allowance is what was given on it": [HANDOUT % (80, "done", 30), *RIGHT, GIVEN[0]],
    "handout: no allowance went for nothing": [GIVEN[0]],
    "results: each attribution is of an order": [ORDER % (100, 0), "INSERT INTO order_guide VALUES (90, 'lina', 5)"],
    "members: tags, notes and names are of members": ["INSERT INTO member_name VALUES ('小明', 99)"],
    "tasks: each is open or says how it ended": [
        "INSERT INTO guide_task VALUES (82, 'k', 'lina', 1, 'x', 't', 0, 'open', 'r', 0, '', 5)"
    ],
}  # fmt: skip
SALON = (
    "INSERT INTO salon (id, no, seats, status, queue) VALUES (70, 1, 2, 'open', 2)",
    "INSERT INTO stock VALUES ('salon:70', 2, %d, %d, %d)",
)
SEAT = (
    "INSERT INTO salon_seat (id, salon_id, member_id, status, place, points, paid_key) "
    "VALUES (%d, 70, %d, '%s', %d, %s)"
)
DAMAGE |= {
    "salon: seats taken are the seats people have": [
        SALON[0], SALON[1] % (0, 0, 2), SEAT % (71, 1, "confirmed", 1, "0, ''")
    ],
    "salon: nobody is passed over in the queue": [
        SALON[0], SALON[1] % (1, 1, 0), SEAT % (71, 1, "waiting", 1, "0, ''"), SEAT % (72, 2, "offered", 2, "0, ''")
    ],
    "salon: points of a seat agree with the ledger": [
        SALON[0], SALON[1] % (1, 0, 1), SEAT % (71, 1, "confirmed", 1, "30, 'salon:71:5'")
    ],
}  # fmt: skip
RUN = "INSERT INTO journey_run (id, name, journey_id, member_id, status) VALUES (75, 'birthday', %d, 1, '%s')"
KEPT = "INSERT INTO journey (id, name) VALUES (74, 'birthday')"
DAMAGE |= {
    "journey: those to compare with got nothing": [
        RUN % (74, "control"),
        KEPT,
        "INSERT INTO journey_note (run_id) VALUES (75)",
    ],
    "journey: each run is on a version that is kept": [RUN % (74, "done")],
}
TABLE = "INSERT INTO timetable VALUES (76, 'flash_sale', 't', 'published', '{}', '[]', 0, 'w', 'c', 0)"
OF_TABLE = "INSERT INTO timetable_session VALUES (77, 76, 0, %d, %d, 78, '%s', '', 0)"
SELLS = "INSERT INTO campaign VALUES (78, 'flash_sale', 't', '%s', %d, %d, '{}', 0, 'w', 'c', 0)"
DAMAGE |= {
    "timetables: each session is a campaign of its own hours": [
        TABLE,
        OF_TABLE % (1, 2, "over"),
        SELLS % ("ended", 1, 3),
    ],
    "timetables: only open sessions sell": [TABLE, OF_TABLE % (1, 2, "over"), SELLS % ("published", 1, 2)],
    "timetables: no session is left open": [TABLE, OF_TABLE % (1, 2, "open"), SELLS % ("published", 1, 2)],
}
DAMAGE |= {
    "launches: each moment is a broadcast to the segment": [
        "INSERT INTO launch VALUES (79, 'l', 'A', 1, 14, 'drafted', 'w', 0)",
        "INSERT INTO launch_moment VALUES (80, 79, 0, 81)",
    ],
    "posts: none is left open after its time": [
        "INSERT INTO guide_task VALUES (82, 'post:1:x:y', 'lina', NULL, 'post', 't', 5, 'open', 'r', 0, '', NULL)"
    ],
}
OTHER = MEMBER.replace("(1,", "(2,")
PROMOTER = "INSERT INTO distributor VALUES (%d, %d, 'C%d', %s, 'lina', 'ma', 'active', '', 'ma', '', '', 0, 0)"
SERVED = [
    f"INSERT INTO distributor_change VALUES ({row}, %d, '{what}', '', '{who}', 'ma', '', 0)"
    for row, what, who in ((201, "customer", "lina"), (202, "service", "ma"))
]
CUSTOMER = "INSERT INTO distribution_customer VALUES (%d, %d, %s, 210, 0, 0, NULL, NULL, '', '', '', %s, '')"
COMMISSION = "INSERT INTO commission VALUES (220, %d, %d, 210, NULL, %d, 230, 100, 10, 10, '%s', '', %d, 0)"
EARNS = "INSERT INTO commission_line VALUES (220, 0, '', 100, 1000, %d)"
GAVE = "INSERT INTO transfer VALUES (240, 'c220', 'issuer', 'earning:220', 'commission', %d, 'x', 'e', 0)"
PROMOTES = [PROMOTER % (210, 1, 210, "NULL"), *[line % 210 for line in SERVED]]
PROMISED = [OTHER, *PROMOTES, CUSTOMER % (230, 2, "2", "0"), EARNS % 10, GAVE % 10]
ASKED = "INSERT INTO commission_payout VALUES (250, 210, 1, %d, %d, '%s', 0, %s, 'boss', 'T1', '')"
DAMAGE |= {
    "distribution: two levels at most, each by an order": [
        *PROMISED, COMMISSION % (90, 3, 2, "pending", 0), ORDER % (100, 0)
    ],
    "distribution: nobody earns by themselves, or twice": [
        *PROMOTES, CUSTOMER % (230, 2, "2", "0"), EARNS % 10, GAVE % 10, COMMISSION % (90, 1, 1, "pending", 0),
        ORDER % (100, 0),
    ],
    "distribution: commission follows refunds": [
        *PROMISED, COMMISSION % (90, 1, 2, "pending", 0), ORDER % (100, 50),
        "INSERT INTO order_refund VALUES (91, 's', 'r', 'n', 50, 1, 0)",
    ],
    "distribution: lines sum to what was promised": [
        *PROMISED, "UPDATE commission_line SET amount_fen = 9", COMMISSION % (90, 1, 2, "pending", 0), ORDER % (100, 0)
    ],
    "distribution: what waits is what stands of it": [
        *PROMISED, COMMISSION % (90, 1, 2, "available", 0), ORDER % (100, 0)
    ],
    "distribution: payouts hold what was asked for": [ASKED % (10, 10, "requested", "NULL")],
    "distribution: what left is what the payouts say": [ASKED % (10, 10, "paid", "0")],
    "distribution: what was given is what stands": [
        "INSERT INTO transfer VALUES (241, 'x', 'issuer', 'elsewhere', 'commission', 5, 'x', 'e', 0)"
    ],
    "distribution: nothing is ripe early": [
        *PROMISED, COMMISSION % (90, 1, 2, "available", 9_000_000_000_000_000), ORDER % (100, 0),
        "INSERT INTO transfer VALUES (241, 'commission:220:due', 'earning:220', 'member:1', 'commission', 10, 'x', "
        "'e', 0)",
        "INSERT INTO balance VALUES ('member:1', 'commission', 10)",
    ],
    "distribution: a customer is one distributor's": [
        OTHER, CUSTOMER % (230, 2, "2", "0"), CUSTOMER % (231, 2, "2", "0")
    ],
    "distribution: who brought whom has no circle": [
        OTHER, PROMOTER % (210, 1, 210, "211"), PROMOTER % (211, 2, 211, "210"), *[line % 210 for line in SERVED],
        *[line % 211 for line in SERVED],
    ],
    "distribution: one customer and one service manager each": [
        *PROMOTES, "UPDATE distributor SET service_manager = 'mo'"
    ],
}  # fmt: skip
STATS = (
    "INSERT INTO member_stats SELECT member_id, count(*), sum(amount_fen - refunded_fen), min(paid_at), max(paid_at) "
    "FROM shop_order WHERE refunded_fen < amount_fen GROUP BY member_id"
)
UNBREAKABLE = {"ledger: double entry sums to nothing"}  # one row is both sides: it cannot be broken by rows


@pytest.fixture(scope="session")
def bare_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema without its constraints, with one good member: what a broken guard would let happen."""
    path = tmp_path_factory.mktemp("bare") / "x.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger[0]}")
        connection.execute("DROP TABLE knowledge_index")  # full text; tables of its own go with it
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            connection.execute(f'CREATE TABLE "bare of {table}" AS SELECT * FROM "{table}"')
            connection.execute(f'DROP TABLE "{table}"')
            connection.execute(f'ALTER TABLE "bare of {table}" RENAME TO "{table}"')
        for statement in (MEMBER, GRANT, TRANSFER, BALANCE, COUPON, LOT):
            connection.execute(statement)
    return path


@pytest.fixture
def bare(bare_file: Path, tmp_path: Path) -> Database:
    """One of its own."""
    shutil.copy(bare_file, tmp_path / "x.db")
    return Database(f"sqlite:///{tmp_path / 'x.db'}")


def broken(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return {check.name for check in CHECKS if check.violations(connection, NOW)}


def test_every_check_is_tried(bare: Database) -> None:
    assert {check.name for check in CHECKS} == set(DAMAGE) | UNBREAKABLE
    assert broken(bare) == set()
    bare.close()


@pytest.mark.parametrize("name", sorted(DAMAGE))
def test_a_check_sees_its_damage(bare: Database, tmp_path: Path, name: str) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        for statement in DAMAGE[name]:
            connection.execute(statement)
        if name not in OUTREACH_DAMAGE:  # whatever else is wrong with an order, it was counted
            connection.execute(STATS)

    found = broken(bare)
    bare.close()

    assert name in found
    assert found <= {name, *COMPANIONS.get(name, set())}


COMPANIONS = {
    "broadcast: whoever was reached is counted": {"broadcast: who is in a task is in one of their guide's"},
    "members: merged members hold nothing": {"members: rows stand for living members"},
    "coupons: each code once": {"coupons: each hangs on a grant"},
    "ledger: balances equal their transfers": {"points: lots sum to the balance"},
    "ledger: no negative balance": {"points: lots sum to the balance"},
    "checkouts: what is paid has its order": {"checkout: one order pays one checkout"},
    "orders: rewards follow refunds": {
        "rewards: what waits is what stands of them",
        "rewards: taken back once, what refunds took",
    },
    "ledger: each key once": {
        "points: lots sum to the balance",
        "grants: points went to the grant's member with the grant's cause",
    },
}
