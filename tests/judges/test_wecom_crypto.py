"""裁判 @wecom/crypto: what WeCom's own package once sealed (wecom_crypto.json, see README.md) both our sides still open
and would seal the same; the package itself is asked by `python -m tests.judges.wecom_crypto`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.channels.gate import Gate, GateError
from sandbox.crypto import Seal, Unreadable
from tests.judges.wecom_crypto import RECEIVERS, SPOKEN, VECTORS

RECORDED = json.loads(VECTORS.read_text(encoding="utf-8"))
TOKEN, KEY, ALL = RECORDED["token"], RECORDED["key"], RECORDED["vectors"]


def query_of(vector: dict[str, Any]) -> dict[str, str]:
    return {"msg_signature": vector["signature"], "timestamp": vector["timestamp"], "nonce": vector["nonce"]}


def gate_of(receiver: str) -> Gate:
    return Gate(token=TOKEN, encoding_aes_key=KEY, receive_id=receiver)


def test_the_record_holds_every_padding_for_a_receiver_and_for_none() -> None:
    for receiver in RECEIVERS.values():
        sizes = {(20 + len(v["message"].encode()) + len(receiver)) % 32 for v in ALL if v["receiver"] == receiver}
        assert sizes == set(range(32))
        assert {v["message"] for v in ALL if v["receiver"] == receiver} >= set(SPOKEN)


def test_the_bots_gate_opens_each() -> None:
    gates = {receiver: gate_of(receiver) for receiver in RECEIVERS.values()}
    for vector in ALL:
        opened = gates[vector["receiver"]].open(vector["encrypt"].encode(), query_of(vector))
        assert opened.decode() == vector["message"]


def test_the_sandbox_seals_each_to_the_letter_and_opens_it() -> None:
    seals = {receiver: Seal(TOKEN, KEY, receiver) for receiver in RECEIVERS.values()}
    for vector in ALL:
        seal = seals[vector["receiver"]]
        assert seal.encrypt(vector["message"], bytes.fromhex(vector["random"])) == vector["encrypt"]
        assert seal.sign(vector["timestamp"], vector["nonce"], vector["encrypt"]) == vector["signature"]
        assert seal.decrypt(vector["encrypt"]) == vector["message"]


@pytest.mark.parametrize("spoilt", ["msg_signature", "timestamp", "nonce"])
def test_a_value_of_another_vector_is_refused(spoilt: str) -> None:
    for one, other in zip(ALL, [*ALL[1:], ALL[0]], strict=True):
        with pytest.raises(GateError, match="signature"):
            gate_of(one["receiver"]).open(one["encrypt"].encode(), {**query_of(one), spoilt: query_of(other)[spoilt]})


def test_another_receiver_is_refused() -> None:
    for vector in ALL:
        other = next(receiver for receiver in RECEIVERS.values() if receiver != vector["receiver"])
        with pytest.raises(GateError, match="receiver"):
            gate_of(other).open(vector["encrypt"].encode(), query_of(vector))
        with pytest.raises(Unreadable, match="receiver"):
            Seal(TOKEN, KEY, other).decrypt(vector["encrypt"])
