"""货架: the brand of the trading story; stock and quotas so scarce that many who ask must lose."""

from __future__ import annotations

from typing import Any

GOODS = {"TEA": (10_000, 60), "CUP": (4_500, 40), "BAG": (8_000, None)}  # sku -> (price in fen, pieces or no count)
COUPONS = {"满50减10": 80, "九折券": 60}  # template -> how many there are
TEAM_SIZE, BARGAIN_CUTS, FLASH_TOTAL = 3, 4, 25
INVITER_POINTS, INVITEE_POINTS = 50, 20


def catalogue() -> list[tuple[str, dict[str, Any]]]:
    """(path, body) of what is put up before the drives."""
    goods: list[tuple[str, dict[str, Any]]] = [
        ("products", {"sku": sku, "title": f"商品{sku}", "category": "茶", "price_fen": fen, "cost_fen": 100,
                      "stock": pieces})
        for sku, (fen, pieces) in GOODS.items()
    ]  # fmt: skip
    first, second = COUPONS.items()
    return [
        *goods,
        ("coupon-templates", {"name": first[0], "kind": "cash", "value": 1_000, "threshold_fen": 5_000,
                              "stock": first[1], "per_member": 2, "valid_days": 30, "claimable": True,
                              "give_back": "full"}),
        ("coupon-templates", {"name": second[0], "kind": "discount", "value": 900, "most_fen": 2_000,
                              "stock": second[1], "per_member": 1, "valid_days": 30, "claimable": True,
                              "give_back": "always"}),
    ]  # fmt: skip


def campaigns() -> list[dict[str, Any]]:
    """The drives, without their dates."""
    hold = {"hold_minutes": 1}
    return [
        {"kind": "group_buy", "name": "三人团", "config": {
            "sku": "TEA", "size": TEAM_SIZE, "price_fen": 6_000, "hours": 1, "per_member": 5, "leader_free": True,
            "below_cost": True, **hold}},
        {"kind": "bargain", "name": "砍到底", "config": {
            "sku": "CUP", "start_fen": 4_500, "floor_fen": 1_500, "cuts": BARGAIN_CUTS, "hours": 1, "per_member": 3,
            "helps_per_member": 9, "must_reach_floor": False, **hold}},
        {"kind": "flash_sale", "name": "秒杀包", "config": {
            "sku": "BAG", "price_fen": 5_000, "total": FLASH_TOTAL, "per_member": 2, **hold}},
        {"kind": "referral", "name": "老带新", "config": {
            "inviter": {"points": INVITER_POINTS}, "invitee": {"points": INVITEE_POINTS}, "least_fen": 1_000,
            "hold_days": 7, "qualify": "order"}},
    ]  # fmt: skip
