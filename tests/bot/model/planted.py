"""Invented people: their numbers, addresses and names, told in the ways that people tell them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

FULL = str.maketrans("0123456789", "０１２３４５６７８９")
HAN = str.maketrans("0123456789", "零一二三四五六七八九")
ROUND = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰"
CITIES = [
    "浙江省杭州市西湖区",
    "上海市浦东新区",
    "广东省深圳市南山区",
    "北京市朝阳区",
    "四川省成都市武侯区",
    "江苏省苏州市工业园区",
]
ROADS = ["文三路", "世纪大道", "科技园南路", "建国门外大街", "人民南路", "星湖街", "中山北路"]


def _phone(dice: random.Random) -> str:
    return "1" + dice.choice("3456789") + "".join(dice.choices("0123456789", k=9))


def _spaced(number: str, gap: str) -> str:
    return f"{number[:3]}{gap}{number[3:7]}{gap}{number[7:]}"


def _identity(dice: random.Random) -> str:
    day = f"{dice.randint(1950, 2010)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}"
    return f"{dice.choice(['330106', '110105', '440305'])}{day}{dice.randint(0, 999):03d}{dice.choice('0123456789X')}"


def _name(dice: random.Random) -> str:
    return dice.choice(SURNAMES) + "".join(dice.choices(GIVEN, k=dice.randint(1, 2)))


Made = tuple[str, str]  # what is said, and the part that may not leave


def _phones(dice: random.Random) -> Iterator[Made]:
    number = _phone(dice)
    ways: list[str] = [
        number, _spaced(number, " "), _spaced(number, "-"), _spaced(number, "."), " ".join(number), "-".join(number),
        number.translate(FULL), number.translate(HAN), number.translate(ROUND), "+86" + number, "0086-" + number,
        "+86 " + _spaced(number, " "), _spaced(number.translate(FULL), "－"), _spaced(number, "　"),
    ]  # fmt: skip
    way = dice.choice(ways)
    yield dice.choice(["我电话{}", "打{}找我", "手机号是{}，谢谢", "周一{}联系", "{}"]).format(way), way


def _numbers(dice: random.Random) -> Iterator[Made]:
    identity, card = _identity(dice), "62" + "".join(dice.choices("0123456789", k=dice.choice([14, 17])))
    groups = " ".join(card[i : i + 4] for i in range(0, len(card), 4))
    ways = [identity, f"{identity[:6]} {identity[6:14]} {identity[14:]}", identity.translate(FULL), card, groups,
            f"0571-{dice.randint(20_000_000, 89_999_999)}", f"010 {dice.randint(20_000_000, 89_999_999)}",
            f"E{dice.randint(10_000_000, 99_999_999)}", f"浙A{dice.randint(10_000, 99_999)}"]  # fmt: skip
    way = dice.choice(ways)
    yield dice.choice(["身份证{}", "我的是{}", "号码：{}。", "登记{}"]).format(way), way


def _mails(dice: random.Random) -> Iterator[Made]:
    user = "".join(dice.choices("abcdefghijk0123456789_.", k=8)).strip("._") + "x"
    mail = f"{user}@{dice.choice(['qq.com', '163.com', 'corp.example.com.cn'])}"
    handle = "".join(dice.choices("abcdefghijklmn_0123456789", k=9)) + "z"
    external = "wm" + "".join(dice.choices("ABCDEFGHabcdefgh0123456789", k=24))
    ways = [(f"邮箱{mail}", mail), (f"发到 {mail.replace('@', '＠')} 吧", mail.replace("@", "＠")),
            (f"微信号：{handle}", handle), (f"加我vx {handle}", handle), (f"我是{external}", external)]  # fmt: skip
    yield dice.choice(ways)


def _places(dice: random.Random) -> Iterator[Made]:
    road, number = dice.choice(ROADS), dice.randint(1, 999)
    door = dice.choice(
        [
            "",
            f"{dice.randint(1, 30)}栋{dice.randint(1, 6)}单元{dice.randint(101, 3202)}室",
            f"{dice.randint(2, 30)}幢{dice.randint(101, 900)}",
        ]
    )
    way = dice.choice([f"{dice.choice(CITIES)}{road}{number}号{door}", f"{road}{number}号{door}",
                       f"{road}{number}号".translate(FULL)])  # fmt: skip
    yield dice.choice(["寄到{}", "我住在{}，快点", "地址：{}", "{}"]).format(way), way


def _people(dice: random.Random) -> Iterator[Made]:
    name = _name(dice)
    yield dice.choice(["我叫{}", "收货人：{}", "姓名 {}，", "联系人是{}"]).format(name), name


KINDS: tuple[Callable[[random.Random], Iterator[Made]], ...] = (_phones, _numbers, _mails, _places, _people)


def pieces(secret: str) -> list[str]:
    """Parts of a secret that would give it away."""
    size = min(6, len(secret))
    return [secret[i : i + size] for i in range(len(secret) - size + 1)]


def planted(count: int, seed: int = 1) -> list[Made]:
    """`count` things told by invented people, of all kinds."""
    dice = random.Random(seed)
    return [next(KINDS[number % len(KINDS)](dice)) for number in range(count)]
