"""三种表 kinds: which columns each has, and what a line of it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.imports import values
from console.imports.values import Wrong
from storage.members import phone_hash
from storage.names import searched

LONGEST_NAME, LONGEST_CODE = 64, 64
MOST_POINTS = 100_000_000
NAMES = ("unionid", "external_userid", "phone")


@dataclass
class Read:
    """A line that is right: what is staged of it, and the keys that no other line may have."""

    row: dict[str, Any]
    keys: list[tuple[str, str]]
    tags: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of file. `columns`: fields with the names that a header may have; the first is the template's."""

    name: str
    columns: dict[str, tuple[str, ...]]
    needed: tuple[str, ...]
    read: Callable[[Cells], Read]
    example: dict[str, str]

    @property
    def template(self) -> str:
        """A header and an example line."""
        titles = [names[0] for names in self.columns.values()]
        return ",".join(titles) + "\n" + ",".join(self.example.get(field, "") for field in self.columns) + "\n"


class Cells:
    """A line's cells; what is wrong with them is kept as (field, value, remedy)."""

    def __init__(self, cells: dict[str, str], now: datetime) -> None:
        self._cells, self.now = cells, now
        self.wrong: list[tuple[str, str, str]] = []

    def take(self, field: str, how: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The cell read by `how`; None when it is wrong."""
        cell = self._cells.get(field, "")
        try:
            return how(cell, *args, **options)
        except Wrong as wrong:
            self.wrong.append((field, cell[:40], str(wrong)))
            return None

    def refuse(self, field: str, remedy: str) -> None:
        """Something is wrong with several cells together."""
        self.wrong.append((field, self._cells.get(field, "")[:40], remedy))

    def names(self) -> dict[str, str]:
        """By what the line names a member, as it is kept."""
        number = self.take("phone", values.phone)
        return {
            "unionid": self.take("unionid", values.code, LONGEST_CODE) or "",
            "wecom": self.take("external_userid", values.code, LONGEST_CODE) or "",
            "phone": phone_hash(number) if number else "",
        }

    def tail(self) -> str:
        """The last four digits of the line's phone."""
        try:
            return values.phone(self._cells.get("phone", ""))[-4:]
        except Wrong:
            return ""  # said already


def _member(cells: Cells) -> Read:
    names = cells.names()
    if not any(names.values()) and not any(field in NAMES for field, _, _ in cells.wrong):
        cells.refuse("phone", "unionid、external_userid、手机号至少填一个，否则认不出是谁")
    row = {
        **names,
        "name": cells.take("name", values.word, LONGEST_NAME),
        "tail": cells.tail(),
        "tier": cells.take("tier", values.word, 20) or "basic",
        "amount": cells.take("points", values.count, MOST_POINTS) or 0,
        "at": cells.take("created_at", values.moment, cells.now),
    }
    row["sought"] = searched(row["name"] or "")
    row["birthday"], row["birth_year"] = cells.take("birthday", values.birthday, cells.now) or ("", None)
    row["consent"] = cells.take("consent", values.consent) or ""
    keys = [key for key in names.items() if key[1]]
    return Read(row, keys, cells.take("tags", values.tags) or (), cells.take("fields", values.fields) or ())


def _product(cells: Cells) -> Read:
    sku = cells.take("sku", values.code, LONGEST_CODE, needed="商品编码")
    row = {
        "code": sku,
        "name": cells.take("title", values.word, LONGEST_NAME, needed="商品名称"),
        "place": cells.take("category", values.word, LONGEST_NAME),
        "amount": cells.take("price", values.fen, least=1),
        "cost_fen": cells.take("cost", values.fen, needed=False),
        "stock": cells.take("stock", values.count, 1_000_000_000),
    }
    return Read(row, [("sku", sku or "")])


def _order(cells: Cells) -> Read:
    names = cells.names()
    if sum(map(bool, names.values())) != 1 and not any(field in NAMES for field, _, _ in cells.wrong):
        cells.refuse("phone", "unionid、external_userid、手机号填一个，只填一个：买家是谁")
    number = cells.take("order_no", values.code, LONGEST_CODE, needed="订单号")
    source = cells.take("source", values.code, LONGEST_CODE, needed="商城的名字，与 config.toml 里 orders 的节名一致")
    row = {
        **names, "code": number, "source": source, "tier": "basic", "tail": cells.tail(),
        "amount": cells.take("amount", values.fen),
        "place": cells.take("store", values.code, LONGEST_CODE),
        "at": cells.take("paid_at", values.moment, cells.now, needed="付款时间，例如 2026-03-05 14:30"),
    }  # fmt: skip
    return Read(row, [("order", f"{source}:{number}")])


_WHO = {
    "unionid": ("unionid",),
    "external_userid": ("external_userid", "外部联系人ID", "客户ID"),
    "phone": ("手机号", "手机", "手机号码", "电话", "mobile"),
}
KINDS = {
    "members": Kind(
        "members",
        {"name": ("姓名", "昵称", "名称"), **_WHO, "tier": ("等级", "会员等级", "level"), "tags": ("标签",),
         "points": ("积分", "积分余额"), "created_at": ("入会日期", "创建日期", "注册日期", "created", "date"),
         "birthday": ("生日", "出生日期"), "consent": ("营销同意", "接收营销"), "fields": ("自定义字段", "其他资料")},
        (), _member,
        {"name": "小明", "phone": "13800138000", "tier": "gold", "tags": "渠道/门店；老客", "points": "120",
         "created_at": "2024-03-05", "birthday": "1990-02-28", "consent": "同意", "fields": "肤质=油；职业=教师"},
    ),
    "products": Kind(
        "products",
        {"sku": ("商品编码", "货号", "编码"), "title": ("商品名称", "名称", "标题"), "category": ("类目", "分类"),
         "price": ("售价", "价格", "单价"), "cost": ("成本", "成本价"), "stock": ("库存",)},
        ("sku", "title", "price"), _product,
        {"sku": "TEA-01", "title": "茶叶礼盒", "category": "茶", "price": "128.50", "cost": "40", "stock": "50"},
    ),
    "orders": Kind(
        "orders",
        {"order_no": ("订单号", "订单编号"), "source": ("来源", "商城"), **_WHO,
         "amount": ("实付金额", "金额", "实付"), "paid_at": ("付款时间", "支付时间", "付款日期"),
         "store": ("门店", "门店编码")},
        ("order_no", "source", "amount", "paid_at"), _order,
        {"order_no": "E2026001", "source": "mall", "phone": "13800138000", "amount": "99.00",
         "paid_at": "2026-03-05 14:30"},
    ),
}  # fmt: skip
