"""微信客服 sessions: who has them, and where the API may move them."""

from __future__ import annotations

from typing import Any

from sandbox.api import Call, route
from sandbox.api_kf import account_of
from sandbox.kf_log import new_code
from sandbox.kf_world import BOT, ENDED, HUMAN, NEW, OFF, POOL, Account, Session
from sandbox.world import ApiError

MOVES = {(NEW, BOT), (NEW, POOL), (NEW, HUMAN), (BOT, BOT), (BOT, POOL), (BOT, HUMAN), (POOL, HUMAN), (HUMAN, HUMAN),
         (HUMAN, ENDED)}  # fmt: skip
# The table's text does not name these; the full diagram is a picture. `kf_lenient` lets them through.
UNLISTED = {(NEW, ENDED), (BOT, ENDED), (POOL, ENDED), (HUMAN, BOT), (HUMAN, POOL)}


@route("POST", "kf/service_state/get")
def get_state(call: Call) -> dict[str, Any]:
    """Where a session stands; one that never began is ended."""
    account, customer = account_of(call), call.world.customer(call.body.get("external_userid"))
    session = account.session(customer.external_userid, call.clock.time())
    answer: dict[str, Any] = {"service_state": session.state}
    return {**answer, "servicer_userid": session.servicer_userid} if session.state == HUMAN else answer


@route("POST", "kf/service_state/trans")
def trans(call: Call) -> dict[str, Any]:
    """Move a session; a code to answer with comes of entering the pool, being taken and being ended."""
    account, customer, now = account_of(call), call.world.customer(call.body.get("external_userid")), call.clock.time()
    wanted = call.need("service_state", int)
    if isinstance(wanted, bool) or not NEW <= wanted <= ENDED:
        raise ApiError(40058, "invalid Request Parameter: service_state")
    session = account.session(customer.external_userid, now)
    if session.state == ENDED:
        raise ApiError(95013, "session has ended")
    _may_move(call, session, wanted)
    servicer = _servicer(call, account) if wanted == HUMAN else ""
    if session.state == HUMAN and servicer == session.servicer_userid:
        raise ApiError(95016, "the session is with this servicer already")
    kind = {POOL: "pool", ENDED: "ended"}.get(wanted, "taken" if wanted == HUMAN and session.state != HUMAN else None)
    session.move(wanted, servicer)
    call.effect = "delivered"
    return {"msg_code": new_code(call.world, kind, account, customer.external_userid, now)} if kind else {}


def _may_move(call: Call, session: Session, wanted: int) -> None:
    move = (session.state, wanted)
    if move not in MOVES and not (call.faults.kf_lenient and move in UNLISTED):
        raise ApiError(95016, "session state change not allowed")


def _servicer(call: Call, account: Account) -> str:
    userid = call.world.guide(call.need("servicer_userid")).userid
    if userid not in account.servicers:
        raise ApiError(95014, "user is not a servicer")
    if account.servicers[userid]["status"] == OFF:
        raise ApiError(95019, "servicer has stopped receiving")
    return userid
