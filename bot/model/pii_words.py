"""个人信息的说法 how people's names, addresses and numbers are told in Chinese: data for `bot.model.masking`.

The rules are matched on a view of the text in which every digit is a plain one; a group `value` is what is hidden."""

from __future__ import annotations

HAN_DIGITS = dict(zip("零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "000123456789" + "1" + "123456789", strict=True))
SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章苏潘葛奚范彭郎鲁韦马苗方俞任袁柳"
    "鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于傅皮卞齐康伍余元顾孟黄穆萧尹姚邵汪祁毛禹狄米贝明臧计伏成戴宋茅庞熊纪舒"
    "屈项祝董梁杜阮蓝闵席季麻贾路江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍万柯管卢莫房裘解应宗丁宣邓郁单洪包左石崔吉龚"
    "程邢裴陆荣翁荀甄曲封储靳段富焦巴牧山谷车侯蓬全班仰秋仲伊宫宁仇甘厉武符刘景詹束龙叶司黎溥印白怀蒲池乔闻翟谭劳姬申"
    "冉雍桑桂牛寿边燕冀尚农温庄晏柴阎习艾鱼向古易慎戈廖终居衡步耿满匡文寇广东欧沃利蔚越师巩聂晁勾敖融冷辛饶沙关查游竺"
    "权盖益桓公肖闫付代佟"
)
DOUBLE_SURNAMES = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|南宫|端木|司徒"
TITLES = "先生|女士|小姐|太太|同学|阿姨|叔叔|大姐|大哥"
TELLS_NAME = "我叫|我是|叫做|名叫|本人|姓名|名字|收货人|收件人|联系人|寄件人|开票人|户名"
TELLS_HANDLE = "微信号?|威信|薇信|vx|v信|wx|weixin|wechat|qq号?|扣扣|旺旺|抖音号|小红书号"
TELLS_ADDRESS = "收货地址|收件地址|家庭住址|住址|地址"
LEADS = "我现在住在?|我家住在?|我住在?|我家在|住在|寄到|送到|发到|配送到|地址是?|搬到了?|我在|在|到|是|住"
REGIONS = "省|自治区|特别行政区|市|自治州|自治县|新区|开发区|高新区|区|县|旗|街道|镇|乡"
ROADS = "大道|路|街|大街|巷|弄|胡同|里弄|村|新村|小区|花园|家园|公寓|大厦|广场|苑|庄园|公馆|府|中心|工业园|科技园|城|园"
DOORS = "号楼|号院|号|弄|栋|幢|座|楼|层|单元|室|户|房"
PLATES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

_GAP = r"[ \t\u3000\u00a0.\-\u2010-\u2015\u2212_*·•()]{0,3}"
_HAN = r"[\u3400-\u9fff]"
_NUM = r"[0-9A-Za-z#\-]{1,8}"
_REGION = rf"(?:{_HAN}{{2,8}}?(?:{REGIONS}))"
_ROAD = rf"(?:[\u3400-\u9fff0-9A-Za-z]{{1,14}}?(?:{ROADS})(?:[东南西北中]|[0-9]+段)?)"
_DOOR = rf"(?:{_GAP}(?:{_NUM}|[一二三四五六七八九十百]{{1,4}}){_GAP}(?:{DOORS}))"

# On the view with plain digits, in this order; what one took the next ones do not see.
_NUMBERS: tuple[tuple[str, str], ...] = (
    ("EMAIL", r"[A-Za-z0-9._%+\-]{1,64} ?@ ?[A-Za-z0-9\-]{1,63}(?: ?\. ?[A-Za-z0-9\-]{2,63}){1,4}"),
    ("ID", rf"[1-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9Xx](?![0-9])"),
    (
        "ID",
        r"(?<![0-9A-Za-z])(?:wm|wo|wk|wr)[A-Za-z0-9_\-]{8,64}|(?<![0-9A-Za-z])o[A-Za-z0-9_\-]{27}(?![0-9A-Za-z_\-])",
    ),
    ("CARD", rf"[1-9](?:{_GAP}[0-9]){{14,18}}(?![0-9])"),
    ("PHONE", rf"(?:(?:\+|00){_GAP}86{_GAP})?1{_GAP}[3-9](?:{_GAP}[0-9]){{9}}"),
    ("PHONE", r"(?<![0-9])0[1-9][0-9]{1,2}[ \-)]{1,3}[2-9][0-9]{2,3}[ \-]?[0-9]{4}(?![0-9])"),
    ("PHONE", r"(?<![0-9])[48]00[ \-]?[0-9]{3,4}[ \-]?[0-9]{3,4}(?![0-9])"),
    ("HANDLE", rf"(?i:{TELLS_HANDLE})[ :是加]{{0,4}}(?P<value>[A-Za-z0-9_\-]{{5,24}})"),
    ("PLATE", rf"[{PLATES}][A-HJ-NP-Za-hj-np-z][ ·.\-]?[A-HJ-NP-Za-hj-np-z0-9]{{5,6}}(?![A-Za-z0-9])"),
    ("NUMBER", r"[A-Za-z]{0,3}[0-9]{7,}[A-Za-z]?"),
)
_PLACES: tuple[tuple[str, str], ...] = (
    ("ADDRESS", rf"(?:{TELLS_ADDRESS})[ :是在]{{0,3}}(?P<value>[^\s,.;。，；\n]{{4,60}})"),
    ("ADDRESS", rf"(?:{LEADS})?(?P<value>{_REGION}{{0,4}}{_ROAD}{_DOOR}{{1,5}}[0-9\-]{{0,6}})"),
    ("ADDRESS", rf"(?:{LEADS})?(?P<value>{_REGION}{{2,4}}{_ROAD}?)"),
)
_PEOPLE: tuple[tuple[str, str], ...] = (
    ("NAME", rf"(?:{TELLS_NAME})[ :是]{{0,3}}(?P<value>(?:{DOUBLE_SURNAMES}|[{SURNAMES}]){_HAN}{{1,2}}?)"
             rf"(?=$|[^\u3400-\u9fff]|的|,|。|电|手|住|地)"),
    ("NAME", rf"(?P<value>(?:{DOUBLE_SURNAMES}|[{SURNAMES}]){_HAN}{{0,2}}?)(?:{TITLES})"),
)  # fmt: skip
RULES = (*_NUMBERS, *_PLACES, *_PEOPLE)
