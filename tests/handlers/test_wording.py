"""用语: what baits people into sharing is seen, what rewards buying or coming is let through."""

from __future__ import annotations

import pytest

from bot.texts import Texts
from handlers.wording import bait, link, pyramid

TEXTS = Texts()

BAD = """
转发本活动到朋友圈领红包
分享到3个微信群，立得20元券
集满38个赞免费领茶具
好友助力满10人，0元带走
不转不是中国人
快转！前100名有礼
帮我砍一刀，差一点就免单
邀请3位好友得满100减50券
邀请好友关注即送积分
拉新有奖：拉5人送礼盒
转发有礼
分享即得现金红包
转给10个好友，解锁隐藏优惠
发朋友圈截图找客服领券
集赞换礼
朋友圈集赞38个送口红
求转发，转发抽免单
为我助力，一起瓜分百万红包
帮好友加速，领积分翻倍
找人帮忙拆红包
好友帮拆，最高得888元
老带新：带新人各得50元券
推荐给朋友，双方各得100积分
分享海报满20人扫码，送豪华大礼
转-发-领-券
轉發領紅包
转 发 到 群 里 领 奖
ｆｅｎ享不算，分享到朋友圈算：分享到朋友圈返现
速转！明天就没了
是妈妈就转，送育儿手册
拉人头返佣金
裂变红包雨
助力领免单
邀请码分享后得积分
呼朋唤友来砍价，砍到0元
喊好友一起砍，砍完包邮
帮TA点赞，一起赢iPhone
点赞前十名送奶茶，快喊亲友点赞
晒圈送礼：晒朋友圈领试用装
把链接发到5个群领红包
分享链接赚积分
分享有奖，多分享多得
每邀1人奖10元，上不封顶
邀人得现金
推荐有礼，推荐越多礼越多
群发给好友领30元
安利给闺蜜，一起领面膜
扩散周知，转到群里有福利
必转锦鲤，抽三位送冰箱
攒赞换购，攒够50赞1元购
满30个赞送蛋糕
转发并@3位好友抽奖
分享后才可领取优惠券
分享才能解锁满减
朋友圈转三天，送会员月卡
转发满48小时送精美礼品
请帮我助力一下，就差你了
好友助攻，砍价更快
帮忙点一下加速，马上免单
凭朋友圈截图到前台换礼品
""".strip().splitlines()

GOOD = """
满100减20，全场通用
好友首单后双方各得20元券
到店签到送50积分
双十一茶叶礼盒五折
新人礼：下单立减10元
会员日积分翻倍
分享装薯片第二件半价
家庭分享装满200减30
新品分享会到场有礼
助力健康生活，维生素八折
助力乡村振兴，农产品直降
助力高考，文具满减
无需转发，进群即享优惠
不用分享，下单即减
无需集赞，到店就送
请勿转发他人，仅限本人使用
店长推荐：龙井买一送一
主厨推荐套餐立减15
推荐搭配：咖啡加蛋糕减8元
为您推荐三款好茶，券后99元
三人成团，每人只要59元
邀请好友拼团，三人成团享59元
拼团价59，差一人成团
秒杀：今晚八点，限量100件
限时折扣，最后三天
生日当月送蛋糕券
签收后七天积分到账
购物满300送帆布袋
会员升级礼包
老客回馈，第二件五折
充电宝免费借
周年庆感恩回馈
邀请您参加周年庆，到店领礼
邀请函：新品品鉴会，到店送样
专家推荐：秋冬护肤三步，立省50
转人工客服请按0
转发货问题请联系客服
预售商品转运费用减免
点赞好评如潮的口碑好物
广受好评的朋友圈同款，八折
打卡七天送积分
早起打卡得优惠券
晒单评价送积分
评价有礼：签收后评价得10积分
生鲜次日达，运费立减
满3件打8折
首单立减20
复购券：第二次购买减15
老客带新客到店同行，两人都减10元
推荐朋友到店消费，双方各减20元
积分兑换：500积分换保温杯
节日礼盒，送长辈送朋友
送好友的礼物卡，满额赠贺卡
好友同行一人免单，到店消费
亲子套票，两大一小立减
直播间下单抽奖
关注门店上新，周五见
赞不绝口的手冲咖啡，第二杯半价
砍掉中间商，工厂直发价
加速发货，今日下单明日达
""".strip().splitlines()


def test_there_are_sixty_of_each() -> None:
    assert (len(set(BAD)), len(set(GOOD))) == (60, 60)


def test_almost_all_bait_is_seen() -> None:
    missed = [text for text in BAD if not bait(TEXTS, text)]
    assert len(missed) <= len(BAD) * 2 // 100, missed


def test_almost_no_honest_text_is_taken_for_bait() -> None:
    taken = {text: bait(TEXTS, text) for text in GOOD if bait(TEXTS, text)}
    assert len(taken) <= len(GOOD) * 5 // 100, taken


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("看 https://t.cn/A6 吧", "https://t.cn/a6"),
        ("www.shop.example", "www.shop.example"),
        ("去 tea-shop.com/x 看", "tea-shop.com/x"),
        ("ＨＴＴＰＳ://x.cn", "https://x.cn"),
        ("满100.50减20", ""),
        ("茶叶礼盒", ""),
    ],
)
def test_links_are_seen(text: str, found: str) -> None:
    assert link(text) == found


SCHEMES = """
三级分销，躺着赚钱
3 级 返 佣
支持四级代理
佣金高达五级
無限級分潤
发展下线拿提成
团队计酬，多劳多得
交998元成为分销员
缴纳保证金加入合伙人
拉一个人头费50元
按人头奖励
多级裂变推广
""".strip().splitlines()
HONEST = """
三级能效空调，立省300
国家三级甲等医院推荐
分销员招募：按成交给佣金，不收费用
两级分销，合规透明
九级风也送货上门
缴费成功后即可下单
团队建设活动报名
会员等级升到三级，送生日券
""".strip().splitlines()


@pytest.mark.parametrize("text", SCHEMES)
def test_a_pyramid_scheme_is_seen(text: str) -> None:
    assert pyramid(TEXTS, text)


@pytest.mark.parametrize("text", [*HONEST, *GOOD])
def test_an_honest_text_is_no_pyramid_scheme(text: str) -> None:
    assert not pyramid(TEXTS, text)
