"""Chinese rules for what people paste: codes, heights, rates, scores, formulas, ranges.

`LABEL_RULES` run before the text is cut by language; `FORM_RULES` before the rules for numbers.
"""

import re
from typing import Final

from frontend.rules import numbers_zh as num
from frontend.rules.core import Rule, alternatives, rule
from frontend.rules.english_forms import is_formula, spaced
from frontend.rules.units_zh import UNITS

_UNIT: Final = alternatives(UNITS)
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]\d)|\d+(?:\.\d+)?)"
#: What is counted before a rate's stroke, and what it is counted by.
_COUNTED: Final = "个次元块人件份页字毛角分篇条只台克斤吨升米度位名盒瓶包张辆吨粒片杯口顿场节趟下步"
_BY: Final = "箱罐杯碗桶组套天日周月年斤个人次件份小分秒公平晚只台盒瓶包张克升吨亩位名季班组户千立"
_SCORE_WORDS: Final = re.compile(
    r"比分|大比分|总分|[胜负]|击败|战平|不敌|逆转|领先|落后|扳平|险胜|完胜|击退|淘汰|取胜|告负"
)
_DATE_LABEL: Final = "公历|农历|阴历|阳历|日期|生日|截止|截至"
_EMERGENCY: Final = "110|119|120|122|114|12306|12345|12315|12333|12366|10086|10010|10000"


def _digits(match: re.Match[str]) -> str:
    groups = [group for group in re.split(r"\D+", match["number"]) if group]
    return match["label"] + ", ".join(num.by_digit(group, yao=True) for group in groups)


def _height(match: re.Match[str]) -> str:
    return f"{num.counted(match[1])}米{num.by_digit(match[2])}"


def _formula(match: re.Match[str]) -> str:
    if not is_formula(match[0]):
        return match[0]
    parts = re.findall(r"[A-Z][a-z]?|\d+", match[0])
    said = (num.cardinal(part) if part.isdigit() else spaced(part) for part in parts)
    return f" {' '.join(said)} "


def _algebra(match: re.Match[str]) -> str:
    power = match.string[match.end() : match.end() + 1] == "^"
    return f" {spaced(match[0])}{'' if power else ' '}"


def _score(match: re.Match[str]) -> str:
    """25-21 beside words of winning and losing is a score."""
    near = match.string[max(0, match.start() - 40) : match.end() + 30]
    if not _SCORE_WORDS.search(near):
        return match[0]
    return f"{num.cardinal(match[1])}比{num.cardinal(match[2])}"


def _ordinal_range(match: re.Match[str]) -> str:
    return f"第{num.cardinal(match[1])}到{num.cardinal(match[2])}"


def _short_range(match: re.Match[str]) -> str:
    return f"{num.cardinal(str(int(match[1])))}到{num.cardinal(str(int(match[2])))}"


def _unit_rate(match: re.Match[str]) -> str:
    name, by = UNITS[match["unit"]], UNITS[match["by"]]
    return f"{num.counted(match['number'])}{name}每{by}"


def _level(match: re.Match[str]) -> str:
    return f"{num.cardinal(match[1])} {match[2]} "


def _ampere(match: re.Match[str]) -> str:
    """705A is a code unless the talk is of electricity."""
    near = match.string[max(0, match.start() - 12) : match.end() + 6]
    if re.search(r"[电流压充保险]|\dV|瓦|[Hh]z", near):
        return match[0]
    digits = match[1]
    said = num.by_digit(digits, yao=True) if len(digits) > 2 else num.cardinal(digits)
    return f"{said} A "


def _service(match: re.Match[str]) -> str:
    return num.by_digit(match[0], yao=True)


def _also_service(match: re.Match[str]) -> str:
    """拨打12345或110: a number to call as the one before it is."""
    called = re.search("[拨打]|电话|报警", match.string[: match.start()])
    return _service(match) if called else match[0]


def _month_day(match: re.Match[str]) -> str:
    month, day = int(match[2]), int(match[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{match[1]}{num.cardinal(str(month))}月{num.cardinal(str(day))}日"


def _account(match: re.Match[str]) -> str:
    """abc_2023: letters, the sign, figures one by one."""
    letters = " ".join(match[1].upper()) if len(match[1]) <= 3 else match[1]
    return f"{letters} 下划线{num.by_digit(match[2])}"


def _stock(match: re.Match[str]) -> str:
    """A stock's code in brackets after its name, as telephone numbers are read."""
    return f"{match[1]}{num.by_digit(match[2], yao=True)}"


LABEL_RULES: Final[tuple[Rule, ...]] = (
    rule("account", r"(?<![A-Za-z\d])([A-Za-z]{1,12})_(\d{2,})(?![\w.])", _account, "_"),
    rule("at least", r"(?<=[A-Za-z])\s?≥\s?(?=\d)", lambda match: " 大于等于 ", "≥"),
    rule("at most", r"(?<=[A-Za-z])\s?≤\s?(?=\d)", lambda match: " 小于等于 ", "≤"),
    rule(
        "latin label",
        r"(?<![A-Za-z])(?P<label>(?:QQ|qq|ID|VX|vx|WX|wx|TEL|Tel|tel)[群号]?(?:码|是|为)?\s?[:：]?\s?)"
        r"(?P<number>\d{4,}(?:-\d+)*)(?![\d.%])",
        _digits,
    ),
    rule(
        "mobile groups",
        r"(?P<label>)(?<![\d.-])(?P<number>1[3-9]\d[- ]\d{4}[- ]\d{4})(?![\d-])",
        _digits,
    ),
)

FORM_RULES: Final[tuple[Rule, ...]] = (
    rule("stock", r"(?<=[\u4e00-\u9fff])(,\s|[(（])(\d{6})(?=[,，)）])", _stock),
    rule("whole yuan", r"(?<=\d)\.00(?=元)", lambda match: "", "元"),
    rule(
        "labelled code",
        r"(?P<label>(?:股票|证券|基金|邮政|商品|项目|课程|学校|银行)?代码(?:是|为|:)?\s?|"
        r"(?:车次|航班号?|订单号?|单号|房号|门牌号?|型号|序列号|区号|会议号|房间号|取件码|兑换码|邀请码|提取码|"
        r"口令|准考证号?|身份证号?码?|考号|机号|桌号)(?:是|为|:)?\s?)(?P<number>\d{2,20}(?:-\d+)*)(?![\d.%])",
        _digits,
    ),
    rule(
        "emergency",
        rf"(?<![\d.,])(?:(?:(?<=[打拨叫呼])|(?<=拨打)|(?<=打了))(?:{_EMERGENCY})|"
        rf"(?:{_EMERGENCY})(?=(?:报警|急救|火警|热线|电话|平台|指挥|救护|客服|查号|警察|中心)))(?!\d|[.%]\d|[次个通下遍元块斤克米人])",
        _service,
    ),
    rule(
        "emergency after another number",
        rf"(?<=[或和、])(?:{_EMERGENCY})(?!\d|[.%]\d|[次个通下遍元块斤克米人年页号])",
        _also_service,
    ),
    rule("height", r"(?<![\d.])(\d)米(\d{1,2})(?![\d.米厘公分秒:])", _height, needs="米"),
    rule(
        "formula",
        r"(?<![A-Za-z\d-])(?=[A-Za-z]*\d)(?:[A-Z][a-z]?(?:[2-9]|[1-3]\d)?){1,8}(?![A-Za-z\d-])",
        _formula,
    ),
    rule(
        "algebra",
        r"(?<![A-Za-zμ])(?!(?:[kcm]?m|s|dm)\^)[a-z]{1,3}(?=\^|\s?[=+*÷×]\s?[\da-zA-Z(√])|(?<=[=+*÷×^(])(?<![A-Za-z])[xyzabcn]{1,3}(?![A-Za-z])",
        _algebra,
        needs="=^+",
    ),
    rule(
        "score",
        r"(?<![\d.-])(\d{1,3})[-–](\d{1,3})(?![\d-]|\.\d|\s?[年月日号岁元块分页天个名场轮])",
        _score,
        needs="-–",
    ),
    rule("ordinal range", r"第\s?(\d+)\s?[-–~]\s?第?(\d+)", _ordinal_range),
    rule("day range", r"(?<![\d.-])(\d{1,2})\s?[-–~]\s?(\d{1,2})(?=\s?(?:月|日|号))", _short_range),
    rule("labelled date", rf"((?:{_DATE_LABEL}):?\s?)(\d{{1,2}})/(\d{{1,2}})(?![\d/])", _month_day),
    rule(
        "unit rate",
        rf"(?P<number>{_NUMBER})\s?(?!km/h|m/s)(?P<unit>{_UNIT})\s?/\s?(?P<by>{_UNIT})(?![A-Za-z\d/^])",
        _unit_rate,
        needs="/",
    ),
    rule("rate", rf"(?<=[{_COUNTED}])\s?/\s?(?=[{_BY}])", lambda match: "每", needs="/"),
    rule("level", r"(?<![\dA-Za-z.])(\d)([A-Z])(?=级|景区|类|照)", _level),
    rule("ampere", r"(?<![\dA-Za-z.])(\d{1,4})A(?![A-Za-z\d])", _ampere),
    rule(
        "menu",
        r"(?<=[A-Za-z\u4e00-\u9fff])\s?>\s?(?=[A-Za-z\u4e00-\u9fff])",
        lambda match: ", ",
        ">",
    ),
)
