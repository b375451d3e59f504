"""错误码 codes: what to do about each errcode, as data. The meanings stand in WeCom's own table (document 90313)."""

from __future__ import annotations

from typing import NamedTuple

from bot.errors import Action

BUSY, WRONG_SECRET, WRONG_CORP = -1, 40001, 40013
INVALID_TOKEN, EXPIRED_TOKEN = 40014, 42001
TOO_OFTEN, TOO_MANY_AT_ONCE = 45009, 45033
MINUTE_S, HOUR_S = 60.0, 3_600.0

# No other try can succeed before the secret or the corp id was set right, and every further one counts towards
# the hour for which an address is barred from gettoken.
HALTING = frozenset({WRONG_SECRET, WRONG_CORP})
STALE_TOKEN = frozenset({INVALID_TOKEN, EXPIRED_TOKEN})


class Verdict(NamedTuple):
    """What to do, and after how many seconds at the earliest (0: the caller's own backoff)."""

    action: Action
    wait_s: float = 0.0


# Permanent, yet never silent: whoever adds a code here has read what it means. A code we do not know may say that
# the call was half done, so repeating it blindly is the one wrong answer; delivery sets it aside for a person.
UNKNOWN = Verdict(Action.BUG)

_RETRY = {
    BUSY,  # busy
    INVALID_TOKEN,  # the client has refreshed and tried once more already
    EXPIRED_TOKEN,  # the same
    40068,  # no such tag: it was deleted meanwhile, the caller looks its id up anew
    41063,  # results of a broadcast right after it was made
    41096,  # another app is sending the welcome message
    45035,  # the same record is being changed in parallel
    50100,  # bad cursor: the caller begins the list anew
    846609,  # the AI bot's connection has not subscribed: the next one has
}
_DROP = {
    40003,  # bad userid
    60111,  # no such userid
    40029,  # OAuth code: bad
    42003,  # OAuth code: late
    42022,  # OAuth code: used
    40096,  # bad external_userid
    41050,  # welcome code bad or older than 20 s
    41051,  # welcomed already, or the two are chatting
    41053,  # the contact has not agreed to the chat archive
    41094,  # a broadcast's staff were reminded three times within 24 hours
    42052,  # too late to recall
    49008,  # the group was dismissed
    60140,  # response_code used or older than 72 h
    81013,  # no receiver is valid
    84061,  # the two are no longer related
    90501,  # not a customer group
    95000,  # KF: no such open_kfid
    95001,  # more than five messages since the customer's last
    95002,  # more than 48 hours since the customer's last message
    95004,  # no such open_kfid
    95007,  # the bell's token is stale: the puller goes on without it
    95013,  # the session has ended
    95014,  # not a servicer of this account, or not active
    95016,  # the session's state may not be changed so
    95018,  # the session is with people, or has ended
    95019,  # the servicer has paused
    95031,  # the customer wrote nothing within 48 hours
    95033,  # our msgid was used before: the message was accepted, which its sender counts as sent
    846604,  # the window of an AI bot's request is over
    846605,  # no such request of an AI bot (any more)
    846608,  # the stream is closed
}
_STOP = {
    WRONG_SECRET,  # or the app was stopped
    WRONG_CORP,
    853000,  # an AI bot's id or secret
}
_CONFIG = {
    40056,  # bad agentid
    40098,  # a guide without a verified name
    41054,  # a guide whose account is not active
    43012,  # a card with buttons needs a callback address
    48001,  # no right for this API
    48002,
    48006,
    48007,  # the KF account was not given to the app (通过API管理微信客服账号)
    48010,  # the TLS version is too old
    50001,  # redirect domain not trusted
    60011,  # out of the app's visible scope
    60020,  # our address is not among the corp's trusted ones (works a minute after it was set)
    60021,
    60030,
    60031,
    701008,  # no licence
    84074,  # no customer-contact right
    95003,  # KF: the corp is not verified and has met its limit of customers
    95011,  # the account is in another mode
    95012,
    95017,  # 「API管理」 is off for KF
    95023,  # the account is managed by another app
    95026,  # too little used
    95027,  # the corp is not verified
    95032,  # the right has expired
}
_BUG = {
    40007,  # bad or expired media_id: repeating the request is useless, the caller uploads again
    40145,
    40008,  # bad msgtype
    40058,  # bad parameter
    40063,  # empty parameter
    41001,  # no token in the query
    41049,  # welcome_code missing
    45002,  # too long: split it
    41055,  # too many welcome templates
    41058,
    81017,  # groupchat/list needs an owner filter in a corp of this size
    82001,  # no receiver
    95005,  # KF: too many accounts
    95006,  # bad name
    95008,  # too many entries in a menu
    95009,  # an entry of an unknown type
    95015,  # upgrade service configured already
    95020,  # too many servicers
    95022,  # bad location_type
    95030,  # a type of message that is forbidden here
    830002,  # a file too big for one answer: ask for ranges
    *range(41037, 41046),  # fields of a contact way
    *range(42014, 42020),  # fields of a card
    *range(42027, 42050),
    44004,  # empty text
    93000,  # the webhook's address is wrong, or the robot was removed
    93001,  # the webhook's group may not be written to
    93004,  # the robot was stopped
    93006,  # bad group
    93008,  # not in the group
    93017,  # empty
    93018,  # the picture is too big
    93019,  # bad AI bot id
}  # fmt: skip

CODES: dict[int, Verdict] = {
    **dict.fromkeys(_RETRY, Verdict(Action.RETRY)),
    **dict.fromkeys(_DROP, Verdict(Action.DROP)),
    **dict.fromkeys(_STOP, Verdict(Action.STOP, HOUR_S)),
    **dict.fromkeys(_CONFIG, Verdict(Action.CONFIG)),
    **dict.fromkeys(_BUG, Verdict(Action.BUG)),
    TOO_OFTEN: Verdict(Action.WAIT, MINUTE_S),
    TOO_MANY_AT_ONCE: Verdict(Action.SLOW),
    45036: Verdict(Action.SLOW, MINUTE_S),  # odd traffic; the documents hint at unofficial clients in the corp
}


def verdict(errcode: int) -> Verdict:
    """What to do about a code other than 0."""
    return CODES.get(errcode, UNKNOWN)
