"""Chinese rules for numbers and signs: each turns one written form into characters.

Order matters: the most specific forms come first, what is left is read as plain numbers.
"""

import re
from typing import Final

from frontend.rules import numbers_en
from frontend.rules import numbers_zh as num
from frontend.rules.core import NUMBER, Rule, alternatives, rule
from frontend.rules.units_zh import COUNTERS, CURRENCIES, SIGNS, UNITS

_MINUS: Final = r"(?:(?<![A-Za-z\d.)])[-–](?=[\d.]))"
_RANGE: Final = r"\s?(?:[-–~]|—)\s?"
_UNIT = alternatives(UNITS)
_CURRENCY = alternatives(CURRENCIES)
_BIG: Final = "[十百千万亿兆]+"


def _signed(text: str) -> str:
    word = {"-": "负", "–": "负", "+": "正"}.get(text[0], "")
    return word + num.decimal(text.lstrip("-–+"))


# ---------------------------------------------------------------- telephone and codes
def _phone(match: re.Match[str]) -> str:
    lead = "加" if match[0].startswith("+") else ""
    groups = [part for part in re.split(r"\D+", match[0]) if part]
    return lead + ",".join(num.by_digit(part, yao=True) for part in groups)


def _mobile(match: re.Match[str]) -> str:
    if "-" in match[0]:
        return ", ".join(num.by_digit(group, yao=True) for group in match[0].split("-"))
    return num.by_digit(re.sub(r"\D", "", match[0]), yao=True)


def _yao(match: re.Match[str]) -> str:
    return num.by_digit(match[0], yao=True)


def _labelled_phone(match: re.Match[str]) -> str:
    return match[1] + num.by_digit(match[2], yao=True)


def _ip_address(match: re.Match[str]) -> str:
    return "点".join(num.by_digit(part, yao=True) for part in match[0].split("."))


def _version(match: re.Match[str]) -> str:
    lead = "V " if match[1] else ""
    return lead + "点".join(num.cardinal(part) for part in match[2].split("."))


# ---------------------------------------------------------------- dates and times
def _full_date(match: re.Match[str]) -> str:
    month, day = int(match[3]), int(match[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{num.year(match[1])}年{num.cardinal(str(month))}月{num.cardinal(str(day))}日"


def _year(match: re.Match[str]) -> str:
    return num.year(match[1])


def _year_range(match: re.Match[str]) -> str:
    return f"{num.year(match[1])}到{num.year(match[2])}"


def _month_or_day(match: re.Match[str]) -> str:
    return num.cardinal(str(int(match[1])))


def _decade(match: re.Match[str]) -> str:
    digits = match[1]
    return num.year(digits) if len(digits) == 4 else num.cardinal(digits)


def _clock(match: re.Match[str]) -> str:
    hours, minutes = int(match[1]), int(match[2])
    seconds = match[3]
    if hours > 24 or minutes > 59:
        return match[0]
    text = f"{num.counted(str(hours))}点"
    if minutes == 30 and not seconds and hours <= 12:
        return f"{text}半"
    if minutes or seconds:
        text += f"{'零' if minutes < 10 else ''}{num.cardinal(str(minutes))}分"
    elif hours <= 12:
        text += "整" if hours == 0 else ""
    return text + (f"{num.cardinal(str(int(seconds)))}秒" if seconds else "")


def _to(match: re.Match[str]) -> str:
    return "到"


def _clock_range(match: re.Match[str]) -> str:
    return match[0].replace(match[2], "到", 1)


def _hour(match: re.Match[str]) -> str:
    return num.counted(str(int(match[1]))) + match[2]


# ---------------------------------------------------------------- money and measures
def _trim(number: str) -> str:
    """Drop zeros at the end of a fraction: 12.50 元 is 十二点五元."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _money(match: re.Match[str]) -> str:
    name = CURRENCIES[match["currency"]]
    low, high, big = match["low"], match["high"], match["big"] or ""
    minus = "负" if match["minus"] else ""
    low, high = _trim(low), _trim(high or "")
    span = f"{num.decimal(low)}到{num.counted(high)}" if high else num.counted(low)
    return f"{minus}{span}{big}{name}"


def _percent(match: re.Match[str]) -> str:
    base = "百" if match["sign"] == "%" else "千"
    low, high = match["low"], match["high"]
    words = f"{base}分之{num.decimal(low.lstrip('-–+'))}"
    minus = "负" if low[0] in "-–" else ""
    return f"{minus}{words}到{base}分之{num.decimal(high)}" if high else f"{minus}{words}"


def _temperature(match: re.Match[str]) -> str:
    name = UNITS[match["unit"]]
    low, high = match["low"], match["high"]
    below = "零下" if low[0] in "-–" else ""
    words = f"{below}{num.counted(low.lstrip('-–+'))}"
    if high:
        words += f"到{'零下' if high[0] in '-–' else ''}{num.counted(high.lstrip('-–'))}"
    return words + name


def _measure(match: re.Match[str]) -> str:
    name = UNITS[match["unit"]]
    low, high = match["low"], match["high"]
    words = f"{'负' if low[0] in '-–' else ''}{num.counted(low.lstrip('-–+'))}"
    return f"{words}到{num.counted(high)}{name}" if high else words + name


def _counter(match: re.Match[str]) -> str:
    return "两" if match[0] == "2" else num.cardinal(match[0])


def _bytes(match: re.Match[str]) -> str:
    return f"{num.decimal(match[1])} {match[2]} "


# ---------------------------------------------------------------- fractions, ranges, scores
def _fraction(match: re.Match[str]) -> str:
    return f"{num.cardinal(match[2])}分之{num.cardinal(match[1])}"


def _blood_pressure(match: re.Match[str]) -> str:
    high, low = match[1] or match[4], match[2] or match[5]
    unit = "毫米汞柱" if match[1] else ""
    return f"{match[3] or ''}{num.cardinal(high)}, {num.cardinal(low)}{unit}"


def _mixed_fraction(match: re.Match[str]) -> str:
    return f"{num.cardinal(match[1])}又{num.cardinal(match[3])}分之{num.cardinal(match[2])}"


def _fixed_slash(match: re.Match[str]) -> str:
    return {"24/7": "二十四七", "9/11": "九一一", "7×24": "七乘二十四"}[match[0]]


def _score(match: re.Match[str]) -> str:
    return f"{num.cardinal(match[1])}比{num.cardinal(match[2])}"


def _range(match: re.Match[str]) -> str:
    after = match["after"] or ""
    low, high = match["low"], match["high"]
    counted = num.counted if re.match(rf"(?:{COUNTERS})", after) else num.decimal
    return f"{counted(low)}到{counted(high)}"


def _dimensions(match: re.Match[str]) -> str:
    return "乘".join(num.decimal(part) for part in re.split(r"\s?[x×*X]\s?", match[0]))


def _ordinal(match: re.Match[str]) -> str:
    return f"第{num.cardinal(match[1])}"


def _big_number(match: re.Match[str]) -> str:
    return ("两" if match[1] == "2" else num.decimal(match[1])) + match[2]


def _roman(match: re.Match[str]) -> str:
    value = numbers_en.roman_value(match["roman"])
    return num.cardinal(str(value)) if value else match[0]


def _code(match: re.Match[str]) -> str:
    """Codes such as A4, CA1234, GPT-4: letters stay, long digit strings are read one by one."""
    parts = re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+", match[0])
    return f" {' '.join(_code_part(part) for part in parts)} "


def _code_part(part: str) -> str:
    if not part[0].isdigit():
        return part
    whole = part.split(".")[0]
    return num.by_digit(part, yao=True) if len(whole) > 2 else num.decimal(part)


def _sign(match: re.Match[str]) -> str:
    return SIGNS[match[0]]


def _plain(match: re.Match[str]) -> str:
    return _signed(match[0])


_CODE: Final = (
    r"(?<![A-Za-z\d.])(?:[A-Za-z]+-?\d+(?:\.\d+)?(?:-?[A-Za-z\d]+)*|\d+[A-Za-z]+[A-Za-z\d]*)"
)

NUMBER_RULES: Final[tuple[Rule, ...]] = (
    rule("ip address", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)", _ip_address),
    rule(
        "full date",
        r"(?<![\d\-/.])((?:1\d|20)\d\d)([-/.])(\d{1,2})\2(\d{1,2})(?![\d\-/]|\.\d)",
        _full_date,
    ),
    rule("version", r"(?<![A-Za-z\d.])([vV]?)(\d+(?:\.\d+){2,4})(?![A-Za-z\d]|\.\d)", _version),
    rule("v number", r"(?<![A-Za-z\d.])([vV])(\d+(?:\.\d+)?)(?![A-Za-z\d])", _version),
    rule(
        "phone",
        r"(?<![A-Za-z\d.])(?:\+\d{1,3}[ -]?\d{2,4}(?:[ -]?\d{3,4}){1,3}|"
        r"0\d{2,3}-\d{7,8}(?:-\d{1,4})?|"
        r"\(0\d{2,3}\)\s?\d{7,8}|[48]00-\d{3}-?\d{4}|[48]00-\d{4}-?\d{3}|\d{3}-\d{3}-\d{4}|"
        r"\d{3}-\d{4}(?![\d-]))(?![A-Za-z\d])",
        _phone,
    ),
    rule("mobile", r"(?<![A-Za-z\d.])1[3-9]\d([ -]?)\d{4}\1\d{4}(?![A-Za-z\d]|\.\d)", _mobile),
    rule(
        "labelled phone",
        r"((?:电话|手机号?|热线|拨打|号码|致电|QQ|qq|微信|客服|传真|邮编|验证码|密码|编号|尾号|账号|"
        r"学号|工号|卡号)(?:是|为|:|：)?\s?)(\d{3,18})(?![\d.]*\d)",
        _labelled_phone,
    ),
    rule(
        "service number",
        r"(?<=[打拨])(?:1[12]\d|10086|10010|10000|1\d{4}|9\d{4})(?!\d|[次个通下遍元块斤克米人分])|"
        r"(?<![\d.])(?:12306|12345|12315|10086|10010)(?=(?![\d.%元个米人年分])|$)|"
        r"(?<=[打拨报叫呼]了)(?:110|119|120|122)(?![\d.%次个通下遍元块])|"
        r"(?<![\d.])(?:110|119|120|122|114)(?=(?:报警|急救|火警|热线|平台|指挥|救护|查号))",
        _yao,
    ),
    rule(
        "room",
        r"(?<![\d.])(\d{3,4})(?=(?:房间|房(?!价)|室|教室|会议室|办公室|包厢|包间|病房|宿舍|寝室|展厅|号房|路公交|路车|次列车|航班|高地|国道|省道))",
        _yao,
    ),
    rule("year range", rf"(?<!\d)(\d{{4}})年?{_RANGE}(\d{{4}})(?=年)", _year_range),
    rule(
        "year",
        r"(?<![\d.,])(\d{4}|0\d|[5-9]\d)(?=\s?年(?!代|级|前|后|间|来|多|以|内|的历史|之久|左右))",
        _year,
    ),
    rule("long year", r"(?<![\d.,])((?:1[0-9]|20)\d\d)(?=\s?(?:年|届|级|赛季|财年|学年))", _year),
    rule("decade", r"(?<![\d.])(\d0|\d{4})(?=\s?年代)", _decade),
    rule("month or day", r"(?<![\d.])(\d{1,2})(?=\s?(?:月(?!球)|日|号))", _month_or_day),
    rule("clock range", r"(\d{1,2}:\d\d)(\s?[-–~]\s?)(?=\d{1,2}:\d\d)", _clock_range),
    rule("clock", r"(?<![\d:.])(\d{1,2}):(\d\d)(?::(\d\d))?(?![\d:])(?!\s?[胜负平战击])", _clock),
    rule("score", r"(?<![\d:.])(\d{1,4}):(\d{1,4})(?![\d:])", _score),
    rule(
        "score dash",
        r"(?<=[以比分胜负平])\s?(\d{1,3})[-–](\d{1,3})(?=\s?(?:的?比分|击败|战胜|获胜|取胜|胜|负|战平|不敌|告负|$))",
        _score,
    ),
    rule(
        "hour",
        r"(?<![\d.])(\d{1,2})\s?(点钟?|时)(?=[整半多左前后钟到过开出上下起,。.!?]|\d|$)",
        _hour,
    ),
    rule(
        "money",
        rf"(?P<minus>(?<![A-Za-z\d])[-–])?(?<![A-Za-z])(?P<currency>{_CURRENCY})\s?(?P<low>{NUMBER})"
        rf"(?:{_RANGE}(?:(?:{_CURRENCY})\s?)?(?P<high>{NUMBER}))?\s?(?P<big>{_BIG})?(?:元|美元|欧元|英镑)?",
        _money,
    ),
    rule(
        "percent",
        rf"(?P<low>{_MINUS}?{NUMBER})(?:\s?%?{_RANGE}(?P<high>{NUMBER}))?\s?(?P<sign>[%‰])",
        _percent,
    ),
    rule(
        "temperature",
        rf"(?P<low>{_MINUS}?{NUMBER})(?:\s?(?:°C?)?{_RANGE}(?P<high>[-–]?{NUMBER}))?\s?(?P<unit>°[CF]?)",
        _temperature,
    ),
    rule(
        "measure",
        rf"(?P<low>{_MINUS}?{NUMBER})(?:{_RANGE}(?P<high>{NUMBER}))?\s?(?P<unit>{_UNIT})(?![A-Za-z\d/^])",
        _measure,
    ),
    rule("bytes", rf"({NUMBER})\s?([KMGTP]B?|bps|[KMG]bps)(?![A-Za-z\d])", _bytes),
    rule("fixed slash", r"(?<![\d/])(?:24/7|9/11|7×24)(?![\d/])", _fixed_slash),
    rule("dimensions", rf"(?<![\w.]){NUMBER}(?:\s?[x×X*]\s?{NUMBER})+(?!\s?=|\d)", _dimensions),
    rule("mixed fraction", r"(?<![\d/.])(\d+) (\d{1,2})[/⁄](\d{1,3})(?![\d/])", _mixed_fraction),
    rule("fraction", r"(?<![\d/.])(\d{1,3})[/⁄](\d{1,4})(?![\d/])(?!\s?=)", _fraction),
    rule("ordinal", r"第\s?(\d+)", _ordinal),
    rule("number sign", r"(?<![A-Za-z])(?:[Nn][Oo]\.?\s?|#|№\s?)(\d+)", _ordinal),
    rule(
        "roman",
        r"(?<![A-Za-z])(?P<roman>[IVX]{1,5})(?=[期型级类章节世卷部号])",
        _roman,
        needs="IVX",
    ),
    rule(
        "range",
        rf"(?<![A-Za-z\d.\-])(?P<low>{NUMBER}){_RANGE}(?P<high>{NUMBER})(?![\d\-])(?!\s?=)(?=(?P<after>.{{0,3}}))",
        _range,
    ),
    rule("big number", rf"({NUMBER})\s?({_BIG})", _big_number),
    rule("code", _CODE, _code),
    rule(
        "counter",
        rf"(?<![\d.,])2(?=\s?(?:{COUNTERS}))(?!\s?(?:万|亿|千|年级|楼|层楼|号|月|日))",
        _counter,
    ),
    rule(
        "signed number",
        rf"(?:(?<![A-Za-z\d.)\]+\-一-鿿])[-–+]|(?<=[为是到温至])-)?{NUMBER}",
        _plain,
    ),
)

#: Before numbers are read: operators between numbers.
EARLY_RULES: Final[tuple[Rule, ...]] = (
    # 周三14:00 is not 三十四点.
    rule("weekday", r"(?<=[周期拜][一二三四五六])\s?(?=\d)", lambda match: ", "),
    rule(
        "blood pressure",
        r"(?<![\d/.])(\d{2,3})/(\d{2,3})\s?mm\s?Hg|"
        r"(?<=血压)(是|为|:|: )?(\d{2,3})/(\d{2,3})(?![\d/])",
        _blood_pressure,
        "/",
    ),
    rule("square", r"(?<=[\w)])(?<!m)(?<!s)\^\(?2\)?(?!\d)", lambda match: "的平方", "^"),
    rule("cube", r"(?<=[\w)])(?<!m)\^\(?3\)?(?!\d)", lambda match: "的立方", "^"),
    rule(
        "power",
        r"(?<=[\w)])(?<!m)(?<!s)\^\(?(-?\d+)\)?",
        lambda match: f"的{_signed(match[1])}次方",
        "^",
    ),
    rule("minus", r"(?<=\d)\s?[-–]\s?(?=\d+(?:\.\d+)?\s?[=+×÷])", lambda match: "减", "-–"),
    rule("divided", r"(?<=\d)\s?/\s?(?=\d+(?:\.\d+)?\s?=)", lambda match: "除以", "/"),
    rule("times", r"(?<=\d)\s?[*x×]\s?(?=\d+(?:\.\d+)?\s?[=+])", lambda match: "乘", "*x×"),
    rule("plus", r"(?<=\d)\s?\+\s?(?=\d)", lambda match: "加", "+"),
    rule("c plus plus", r"(?<![A-Za-z])C\+\+", lambda match: "C 加加", "+"),
    rule("c sharp", r"(?<![A-Za-z])([CF])#", lambda match: f"{match[1]} sharp", "#"),
    rule("plus alone", r"(?<=[A-Za-z])\+", lambda match: "加", "+"),
    rule("unit range", r"(?<=\d[元块米克斤天年月日号岁人个度分秒名])\s?[-~–]\s?(?=\d)", _to, "-~–"),
    rule("about", r"(?<![\w~%°])~(?=\d)", lambda match: "约", "~"),
)

#: After numbers: what is left of signs.
WORD_RULES: Final[tuple[Rule, ...]] = (
    rule("hashtag", r"#(?=\S)([^#\s]*)#?", lambda match: match[1], needs="#"),
    rule(
        "number word range",
        r"(?<=[零一二三四五六七八九十百千万亿两年月日点分元度])[~–](?=[零一二三四五六七八九十两])",
        lambda match: "到",
        "~–",
    ),
    rule("sign", "[" + re.escape("".join(SIGNS)) + "]", _sign, needs="".join(SIGNS)),
    rule("slash", r"(?<=\w)\s?/\s?(?=\w)", lambda match: " ", needs="/"),
    rule("middle dot", "·", lambda match: " ", needs="·"),
    rule("hyphen", r"(?<=\w)[-–_](?=\w)", lambda match: " ", needs="-–_"),
    rule("wave", r"~+", lambda match: " ", needs="~"),
)
