"""句式 in what forms claims stand in a text: data for `scenarios.facts.claims`, tried in this order on a view of the text.

Groups: `n`, `m` numbers (a range has both), `u` the unit, `and` a half more; the others are named for what they are.
"""

from __future__ import annotations

from scenarios.facts import vocabulary as v

# A number swallows all of itself: 1 is not found in 10.
PLAIN = rf"(?>[0-9]+(?:\.[0-9]+)?(?: ?[{v.ENDINGS}](?![a-z]))?|[{v.HAN}]+(?:点[零一二三四五六七八九]+(?![零一二三四五六七八九]*分))?)"
HOUR = rf"(?>[0-9]{{1,2}}|[{v.HAN}]+)"
SOME = rf"(?:{PLAIN}(?:个半)?|半个?)"
RANGE = rf"(?P<n>{SOME})(?:\s?(?:-|到)\s?(?P<m>{SOME}))?\s?"
COUNTED = f"{v.COUNTERS}|{v.ARTICLES}"
AP = f"(?P<am>{v.MORNING})|(?P<pm>{v.AFTERNOON})"

PATTERNS: tuple[tuple[str, str], ...] = (
    ("url", r"(?:[a-z]{2,12}\s?:\s?/\s?/\s?|www\s?\.\s?|#小程序)(?P<host>[^\s,。;!?)）\u4e00-\u9fff]*)"),
    ("url", rf"(?<![a-z0-9@])(?P<host>(?:[a-z0-9\-]+\s?(?:\.|。|点|dot|\[\.\]|\(\.\))\s?)+(?:{v.TOP_LEVELS})(?![a-z0-9]))[a-z0-9/_\-?=&%.#:+]*"),
    ("code", r"[a-z0-9._%+\-]+@[a-z0-9.\-]+"),
    ("code", r"(?<![a-z0-9])(?:wm|wo|wk|wr)[a-z0-9_\-]{8,}"),
    ("day", rf"(?P<y>[0-9]{{4}}|[零一二三四五六七八九]{{4}})\s?[年\-/.]\s?(?P<mo>{HOUR})\s?[月\-/.]\s?(?P<d>{HOUR})\s?[日号]?"),
    ("day", rf"(?P<mo>{HOUR})\s?月(?:份)?\s?(?P<d>{HOUR})\s?[日号]?"),
    ("day", r"(?<![0-9/])(?P<mo>0?[1-9]|1[0-2])/(?P<d>[0-2]?[0-9]|3[01])(?![0-9/])"),
    ("day", r"(?<![0-9\-])(?P<mo>0[1-9]|1[0-2])-(?P<d>[0-2][0-9]|3[01])(?![0-9\-])"),
    ("day", r"(?P<y>[0-9]{4}|[零一二三四五六七八九]{4})\s?年(?!货|级)"),
    ("time", rf"(?:(?:{AP})\s?)?(?P<h>[01]?[0-9]|2[0-4])\s?:\s?(?P<mi>[0-5][0-9])(?::[0-5][0-9])?"),
    ("time", r"(?P<h>[0-9]{1,2})\s?(?:(?P<am>a\.?m)|(?P<pm>p\.?m)|o'?clock)(?![a-z])"),
    ("time", rf"(?:{AP})\s?(?P<h>{HOUR})\s?(?:点钟?|时)(?:(?P<half>半)|(?P<q>[一三])刻|(?P<mi>{HOUR})\s?分?)?"),
    ("buyget", rf"(?:买|满|购)\s?(?P<n>{PLAIN})\s?(?:{COUNTED})?\s?[,]?(?:送|赠|免)\s?(?P<m>{PLAIN})(?=\s?(?:{COUNTED})|[^0-9{v.HAN}]|$)"),
    ("percent", rf"百分之\s?(?P<n>{PLAIN})"),
    ("part", rf"(?P<m>{PLAIN})\s?分之\s?(?P<n>{PLAIN})"),
    ("vague", r"[几数多][十百千万]|[十百千万][几多余]"),
    ("idiom", rf"(?<![0-9{v.HAN}])(?:{v.IDIOMS})(?![0-9{v.HAN}])"),
    ("time", rf"(?P<h>{HOUR})\s?(?:点钟?|时)(?!间|候|尚|装|长|代|刻|光|常|建议|原因|注意|说明|好处|优势|差|积分|心|意|儿|点)"
             rf"(?:(?P<half>半)|(?P<q>[一三])刻|(?P<mi>{HOUR})\s?分?)?"),
    ("discount", rf"(?P<n>{PLAIN})(?:\s?(?:-|到)\s?(?P<m>{PLAIN}))?\s?折"),
    ("half", r"半价|对折|half ?price|half ?off|五五折"),
    ("percent", rf"(?P<n>{PLAIN})(?:\s?(?:-|到)\s?(?P<m>{PLAIN}))?\s?(?:%|个百分点|个点|percent)"),
    ("tenths", rf"(?P<n>{PLAIN})\s?成(?!功|交|员|立|本|分|衣|品|套|人|为|就|都|新|年|长|熟)"),
    ("times", rf"(?P<n>{PLAIN})\s?倍"),
    ("part", r"(?P<n>[0-9]+)/(?P<m>[0-9]+)"),
    ("part", r"一半|过半|大半"),
    ("cents", rf"(?P<n>{PLAIN})\s?(?:分钱)"),
    ("dimes", rf"(?P<n>{PLAIN})\s?(?:毛|角)(?!度|落|色|衣|呢|领|巾)"),
    ("money", rf"[¥$]\s?(?P<n>{PLAIN})(?:\s?(?:-|到)\s?[¥$]?(?P<m>{PLAIN}))?(?:\s?(?:{v.MONEY}))?"),
    ("money", rf"{RANGE}(?:多|余|来)?\s?(?:{v.MONEY})(?:(?P<j>[0-9]|[一二三四五六七八九半])(?:角|毛|(?![0-9a-z\u4e00-\u9fff])))?"),
    ("points", rf"{RANGE}(?:个|点|分)?\s?(?:{v.POINTS})"),
    ("points", rf"积分[^0-9{v.HAN},。;!?]{{0,4}}(?P<n>{PLAIN})(?!\s?(?:{COUNTED}|天|小时|元|块))"),
    ("minute", rf"{RANGE}(?:分钟|刻钟)"),
    ("points", rf"{RANGE}分(?!钟|之|类|享|析|别|店|期|开|钱|袖|裤|红|量|子|离|为|数|手|外|明|清|成|散)"),
    ("weekday", rf"(?<![0-9{v.HAN}])(?:{v.WEEK})(?P<wd>[一二三四五六日天末])"),
    ("workdays", rf"{RANGE}(?:个)?(?:工作日|交易日)"),
    ("hours", rf"{RANGE}(?:个)?(?:小时|钟头|hours?|h(?![a-z]))(?P<and>半)?"),
    ("minute", rf"{RANGE}(?:minutes?|mins?)(?![a-z])"),
    ("second", rf"{RANGE}秒"),
    ("days", rf"{RANGE}(?:个)?(?:自然日|天|晚|整天|days?)(?![a-z])(?P<and>半)?"),
    ("days", rf"{RANGE}日(?=内|后|之内|以内|到账|无理由|起)"),
    ("weeks", rf"{RANGE}(?:个)?(?:{v.WEEK}|weeks?)(?!年|边|围|到|岁|身|末)(?P<and>半)?"),
    ("months", rf"{RANGE}(?:个月|months?)(?P<and>半)?"),
    ("years", rf"{RANGE}(?:周?年|years?)(?!级|货|轻|龄|糕|味|终|会|卡)(?P<and>半)?"),
    ("quarters", rf"{RANGE}(?:个)?季度"),
    ("month", rf"(?P<mo>{HOUR})\s?月份?"),
    ("day", rf"(?P<d>{HOUR})\s?[日号](?!楼|院|线)"),
    ("money", rf"(?:{v.MONEY_VERBS})\s?(?:了|到|¥|约|您|你|为|是|:)?\s?(?P<n>{PLAIN})(?:\s?-\s?(?P<m>{PLAIN}))?(?!\s?(?:{COUNTED}|次))"),
    ("count", rf"(?P<pre>.)?(?P<n>{SOME})(?:\s?(?:-|到)\s?(?P<m>{SOME}))?\s?(?:多|余|来)?\s?(?P<u>{COUNTED})"),
    ("near", "|".join(sorted(v.NEAR_DAYS, key=len, reverse=True))),
    ("loose", v.LOOSE_TIMES),
    ("loose", r"每天|天天|每日|全天|全年|工作日|周末|节假日"),
    ("code", r"(?<![a-z0-9])(?=[a-z0-9_\-]*[0-9][a-z0-9_\-]*[0-9])(?=[a-z0-9_\-]*[a-z])[a-z0-9][a-z0-9_\-]{4,}"),
    ("english", rf"(?<![a-z])(?:{'|'.join(v.ENGLISH)})(?:[\s\-]+(?:and[\s\-]+)?(?:{'|'.join(v.ENGLISH)}))*(?![a-z])"),
    ("bare", rf"(?P<pre>.)?(?P<n>{PLAIN})"),
)  # fmt: skip

TODAY = rf"(?:{v.TODAY})[^。;!?\n]{{0,12}}(?:{v.HAPPENS})|(?:{v.HAPPENS})[^。;!?\n]{{0,6}}(?:{v.TODAY})"
MARKER = r"(?m)^[ \t]*(?P<n>[1-9]|1[0-9])[.、)](?![0-9])"  # 1. 2. 3. in front of lines
HOLDER = r"\[[a-z]+_[0-9]+\]|\$[a-z_]+|%s"
ROMAN = r"(?<![a-z])[ivxlcdm]{1,8}(?=\s?(?:折|元|块|%|件|天|积分|点|张))"
SENTENCE = r"[。;!?\n]"
