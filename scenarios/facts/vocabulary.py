"""说法 how numbers, times and promises are said: data for the fact check, in plain (NFKC, lower case) spelling."""

from __future__ import annotations

OLD_NUMERALS = str.maketrans(
    "壹贰貳弍叁參叄肆伍陆陸柒捌玖拾佰仟萬億兩俩幺〇○ΟО", "一二二二三三三四五六六七八九十百千万亿两两一零零零零"
)
HAN = "零一二两三四五六七八九十百千万亿"
HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
HAN_TENS = {"十": 10, "百": 100, "千": 1_000}
HAN_MYRIADS = {"万": 10_000, "亿": 100_000_000}

# Words in which a numeral counts nothing.
IDIOMS = (
    "一下|一样|一起|一定|一些|一点点|一点儿|一般|一直|一切|一旦|一致|一会儿?|一方面|一边|一眼|一共|一律|一路|一向|一生|一身|"
    "一手|一流|一站式|一对一|一如既往|一心一意|进一步|统一|唯一|单一|万一|逐一|之一|同一|另一|某一|每一|这一|那一|哪一|有一|"
    "第一时间|第一次|一步|独一无二|十分|千万别|千万不要|千万要|万分|万能|万物|百搭|百货|千鸟|三心二意|五颜六色|五花八门|七夕|"
    "九分裤|七分袖|五分袖|八卦|三角|四季|四周|五金|四面|三明治|六神|两者|两边|两种都|半身裙?|半袖|半拉链|零食|零售|零钱包"
)
# 一件 means "a", unless one of these stands before it.
ARTICLES = "个|款|件|位|条|种|份|双|张|项|次|样|家|只|套|句|部分|颗|支|瓶"
STRESSED = "剩仅限只共买满第余送赠减得拿享立领返差"

COUNTERS = (
    "件|张|个|双|份|人|位|名|次|款|条|套|盒|瓶|支|包|片|颗|罐|袋|箱|只|台|把|本|克|千克|公斤|斤|毫升|升|厘米|公分|米|毫米|"
    "ml|kg|g|cm|mm|l|码|层|楼|种|色|单|笔|轮|级|星|家|店|间|号楼|排|座|度|场|期|团|席|门|倍|成|步|岁|寸|码数|针|支纱"
)
MONEY = "元整?|块钱|块|圆|人民币|rmb|cny|yuan|kuai|刀|美元|港币|大洋"
MONEY_VERBS = (
    "满减|立减|直降|立省|优惠|便宜|省下?|抵扣?|返现?|到手价?|只要|仅需|只需|售价|原价|现价|价格是?|价钱是?|定价|特价|会员价|"
    "专柜价|标价|卖|满|减|降|补差?|收您?|付|花|价|加价?"
)
POINTS = "积分|个积分|点积分|分积分|会员分"
MORNING, AFTERNOON = "凌晨|早上|早晨|清早|上午|早", "中午|下午|傍晚|晚上|今晚|明晚|夜里|晚|午后"
WEEK = "周|星期|礼拜"
WEEKDAYS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "日": 7, "天": 7, "末": 8}
# Days by how far they are from today.
NEAR_DAYS = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "次日": 1,
    "第二天": 1, "隔天": 1, "后天": 2, "大后天": 3,
}  # fmt: skip
TODAY = "今天|今日|今晚|今早|当天|当日|即日"
# What makes of a loose time word a promise.
HAPPENS = (
    "到货|发货|送达|发出|寄出|到账|补货|上新|截止|结束|开始|有货|打折|优惠|活动|退款|送到|能到|就到|可到|出库|揽收|降价|涨价|"
    "到期|过期|生效|恢复|营业|开门|关门|上班"
)
LOOSE_TIMES = (
    "月底|月初|月中|年底|年初|下个?月|下下个?月|上个?月|明年|后年|去年|年前|年后|节前|节后|下周|下星期|下礼拜|上周|本周|这周|"
    "春节|元旦|国庆|中秋|端午|清明|五一|十一|六一|三八节|双十一|双11|双十二|双12|618|圣诞|情人节|七夕节|除夕|元宵|正月|腊月|"
    "农历|初[一二三四五六七八九十]|周年庆|立刻|马上|即刻|随时|秒|几分钟|几小时|几天|几日|几周|几个月|几年|数天|数日|数小时|数周"
)
# Said without a number, and still a claim that costs somebody something.
PROMISES = (
    "免费|免单|包邮|免邮|免运费|免手续费|白送|赠送|赠品|附赠|送您|送你|送给|保证|承诺|担保|包您满意|一定能|一定会|肯定能|肯定会|"
    "绝对|百分百|百分之百|零风险|无风险|终身|永久|无条件|无理由|包退|包换|包赔|假一赔|假一罚|退一|全额|双倍|加倍|翻倍|返现|返利|"
    "红包|抽奖|中奖|内部价|员工价|内购价|成本价|批发价|骨折|特价|秒杀|打折|折扣|立减|直降|现货充足|货源充足|限时|仅限今|最后一天|"
    "手慢无|涨价|正品保障|专柜同款|零添加|无添加|环保认证|"
    "free|guarantee[ds]?|refund|gift|bonus|discount|half price|half off|double|triple|twice|two for one|lifetime|forever|coupon"
)
# What no shop may say of its goods, whoever wrote it: cures, superlatives, gains.
FORBIDDEN = (
    "治愈|治疗|根治|疗效|药效|抗癌|防癌|降血压|降血糖|降血脂|减肥|瘦身|排毒|抗衰|祛斑|祛痘|丰胸|消炎|杀菌|无副作用|零副作用|"
    "医生推荐|包治|最低价?|最便宜|最优惠|最划算|最好|最佳|最高级|最强|最安全|史上最|全网第一|全国第一|行业第一|销量第一|第一品牌|"
    "顶级|极品|国家级|世界级|驰名|纯天然|纯手工|保本|稳赚|收益率|升值|投资|cheapest|cure[sd]?"
)
NOT = "不|没|无法|未|非|别|勿|难以|暂无|并不|无需|不能|no|not|without|cannot|can't"
# That something was done, or will be, for somebody: the one who writes this does nothing.
_DEEDS = (
    "发放|发送|发了|发一|发张|发到|补发|补偿|补差|申请|退款|退回|退给|退钱|赔付|赔偿|改价|改成|调价|预留|留货|留了|留一|锁定|登记|下单|"
    "取消|升级|加上|加了|赠|送|充值|转账|转给|转您|兑换|核销|延期|延长|减免|免去|抵扣|开通|注册|报名|安排|寄出|寄给|发货|打款|入账|到账|"
    "修改|更新|删除|绑定|保留|清洗|干洗|修补|改短|绣|刻字|换新"
)
ACTIONS = (
    rf"(?:帮|为|给|替|按|照|向)(?:您|你|他|她|大家)[^。;!?\n]{{0,60}}?(?:{_DEEDS})|"
    rf"(?:已经?|刚刚?|马上|立即|立刻|这就|现在就|我来|我去|我这|我就|我会)[^。;!?\n]{{0,8}}?(?:{_DEEDS})"
)
# A yes before anything else: what follows it is a claim, and says only what is known.
YES = "有的|能.{0,2}的|可以的|会的|行的|是的|对的|当然"
# What stands before a name when people are named.
NAMING = "有|是|叫|和|跟|给|位|姓|为"
# Ways out of this chat, and into somebody else's hands.
SOLICITS = (
    "加我|加微|加v|加q|微信号|微信:|vx|v信|薇信|威信|qq号|扣扣|私聊我|私信我|转账|汇款|打款|收款码|付款码|支付宝|银行卡|卡号|密码|"
    "验证码|身份证|扫码付|扫这个码|扫码加|下载app|安装app|点击链接|点这个链接|复制口令|淘口令|telegram|whatsapp|刷单|兼职|贷款"
)
# What a reply never needs to say: how it was made.
INSIDE = (
    "系统提示|系统指令|系统消息|系统设定|提示词|初始指令|隐藏指令|我的指令|我的设定|上述指令|以上指令|之前的指令|忽略.{0,6}(?:指令|规则|要求)|"
    "开发者模式|越狱|system ?prompt|system ?message|developer ?mode|jailbreak|prompt:|api[ _-]?key|access[ _-]?token|secret|"
    "bearer|sk-[a-z0-9]|语言模型|json|schema|<<|>>|```|</?[a-z]+>|[{}]|数据库|sql|select .{1,20} from|config\\.toml|siyu_|localhost|"
    "127\\.0\\.0\\.1|内部资料|内部文件|工作手册|内部指令|培训资料|标签有:|"
    "我的(?:第[一二三四五六七八九十]+条)?(?:规则|规矩|守则|标签)|第[一二三四五六七八九十]+条(?:规则|规矩|指令)"
)
TOP_LEVELS = (
    "com|cn|net|org|top|xyz|shop|vip|info|cc|me|io|co|app|site|online|store|club|ltd|work|link|live|pro|tv|mobi|biz|fun|icu|"
    "ink|wang|网址|网店|公司|中国"
)
ENGLISH = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1_000, "million": 1_000_000,
}  # fmt: skip
PICTURES = str.maketrans({
    "💯": "100", "🔟": "10", "⁄": "/", "∕": "/", "﹪": "%", "‰": "%%", "￥": "¥", "廿": "二十", "卅": "三十", "﹣": "-",
    "−": "-", "–": "-", "—": "-", "~": "-", "至": "到",
})  # fmt: skip
UNITS_AFTER = "元块折%点件天"
ENDINGS, POINT = "万亿千百kw", "点"
HALF, AND_HALF, ONE = "半", "个半", "一"
DOTS = r"\s?(?:。|点|dot|\[\.\]|\(\.\)|\.)\s?"
# What any reply may say that tells nothing: greetings, links between sentences, ways to go on.
COURTESY = """
您好 你好 亲 在的 在呢 很高兴为您服务 感谢您的咨询 感谢您的关注 谢谢 不客气 好的 好呢 好哦 没问题 可以的 可以哦 是的 是这样的 对的 不是的 没有的 有的
抱歉 不好意思 非常抱歉 给您带来不便 请您谅解 请稍等 稍等一下 请问 请问您 您想了解哪一款 您想看哪款 您想要哪个 您是想问 您说的是 您可以 您也可以 您需要
如果您 如果需要 如果还有 如果想 的话 那么 因为 所以 但是 不过 而且 另外 还有 以及 或者 同时 然后 这样 这里 那里 这边 我们 我们店 我们这边 我们的 店里 门店 您的 我的
这款 这件 这个 这些 那款 那件 那个 哪款 哪个 哪些 什么 怎么 怎样 如何 多少 为什么 是不是 能不能 可不可以 有没有 要不要 推荐您 推荐 建议您 建议 可以看看 看看 参考 了解一下
帮您看了一下 帮您看一下 帮您确认 为您介绍 给您介绍 跟您说一下 目前 现在 暂时 暂无 暂时没有 没有找到 没有查到 资料里没有 不太清楚 不清楚 不确定 具体 详细 详情 相关 情况 信息 问题
以页面为准 以门店为准 以实际为准 以下单时为准 以标签为准 请以 为准 咨询导购 联系导购 问问导购 转人工 回复转人工 人工客服 找人工 人工为您 同事 专人 为您解答 帮助您 希望能帮到您 希望对您有帮助 祝您
欢迎选购 欢迎到店 欢迎光临 欢迎随时咨询 随时联系我们 随时告诉我 告诉我 发给我 说一下 就可以 就行 即可 也行 都可以 都有 也有 只有 还在 在售 有货 没货 需要 不需要 可以 不可以 不能 能 会 不会
价格 售价 价格是 库存 还剩 剩下 数量 尺码 颜色 款式 材质 规格 适合 比较 一些 一点 一样 不同 区别 的时候 时候 之间 其中 包括 分别是 分别 主要 一般 通常 平时 比如 例如 关于 根据 按照 对于 其他 其它 更多
做 说 买 看 用 选 拍 下单 购买 付款 到店 试穿 试用 体验 喜欢 合适 方便 清楚 明白 理解 收到 知道 记得 注意 提醒 放心 呢 吗 哦 啦 吧 哈 呀 了 的 是 在 有 和 与 及 也 都 就 还 再 先 后 请
hello hi thanks thank you please sorry yes no the a an is are was it this that we you your our can may have has in on at of for to and or with
"""
