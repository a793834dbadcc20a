"""English rules for telephone numbers, codes, dates and times of day."""

import re
from typing import Final

from frontend.rules import numbers_en as num
from frontend.rules.core import Rule, rule
from frontend.wordlist import words

_MONTHS: Final = words(
    "january february march april may june july august september october november december"
)
_MONTH_NAMES: Final = {
    **{name: name.capitalize() for name in _MONTHS},
    **{name[:3]: name.capitalize() for name in _MONTHS},
    "sept": "September",
}
_MONTH: Final = (
    r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?\.?|"
    r"July?\.?|Aug(?:ust|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|"
    r"Dec(?:ember|\.)?)"
)
_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]\d)|\d+(?:\.\d+)?|(?<![\d.])\.\d+)"
_MINUS: Final = r"(?:(?<![\w.)])[-–](?=[\d.]))"
_AFTER_CLOCK: Final = r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|[ECMP][SD]T|GMT|UTC)\b"
_MERIDIEM: Final = (
    rf"(?P<meridiem>[AaPp])\.?\s?[Mm](?:\.(?!\s+(?!{_AFTER_CLOCK})[A-Z]|[\"')]*\s*$)|\b)"
)
YEAR: Final = r"(?:1[1-9]|20)\d\d"


# ---------------------------------------------------------------- telephone and codes
def _phone(match: re.Match[str]) -> str:
    groups = [part for part in re.split(r"\D+", match[0]) if part]
    lead = "plus " if match[0].startswith("+") else ""
    return f" {lead}{', '.join(num.phone(part) for part in groups)} "


def _service_number(match: re.Match[str]) -> str:
    return f"{match[1]} {num.phone(match[2])}"


def _ip_address(match: re.Match[str]) -> str:
    return f" {' dot '.join(num.by_digit(part) for part in match[0].split('.'))} "


def _version(match: re.Match[str]) -> str:
    lead = "version " if match[1] else ""
    return f" {lead}{' point '.join(num.cardinal(part) for part in match[2].split('.'))} "


def _named_number(match: re.Match[str]) -> str:
    return f"{match[1]} {code_part(match[2])}"


# ---------------------------------------------------------------- dates and times
def _month_name(text: str) -> str:
    return _MONTH_NAMES[text.rstrip(".").lower()]


def _valid_day(day: str) -> bool:
    return 1 <= int(day) <= 31


def _month_day(match: re.Match[str]) -> str:
    if not _valid_day(match["day"]):
        return match[0]
    words = f"{_month_name(match['month'])} {num.ordinal(str(int(match['day'])))}"
    if match["last"]:
        words += f" to {num.ordinal(str(int(match['last'])))}"
    return words + (f", {num.year(match['year'])}" if match["year"] else "")


def _day_month(match: re.Match[str]) -> str:
    if not _valid_day(match["day"]):
        return match[0]
    the = "" if match["the"] else "the "
    words = f"{match['the'] or ''}{the}{num.ordinal(str(int(match['day'])))}"
    words += f" of {_month_name(match['month'])}"
    return words + (f", {num.year(match['year'])}" if match["year"] else "")


def _month_year(match: re.Match[str]) -> str:
    return f"{_month_name(match['month'])} {num.year(match['year'])}"


def _spoken_date(year: str, month: int, day: int) -> str:
    month_name = _MONTHS[month - 1].capitalize()
    year_words = f", {num.year(year)}" if year else ""
    return f" {month_name} {num.ordinal(str(day))}{year_words} "


def _iso_date(match: re.Match[str]) -> str:
    month, day = int(match[3]), int(match[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return _spoken_date(match[1], month, day)


def _slash_date(match: re.Match[str]) -> str:
    """American order, month first, unless the first number cannot be a month."""
    month, day = int(match[1]), int(match[3])
    if month > 12:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    year = match[4]
    if len(year) == 2:
        year = ("20" if int(year) < 50 else "19") + year
    return _spoken_date(year, month, day)


def _clock(match: re.Match[str]) -> str:
    hours, minutes = match["hours"], match["minutes"]
    if int(hours) > 24 or (minutes and int(minutes) > 59):
        return match[0]
    meridiem = match["meridiem"]
    if meridiem:
        on_the_hour = not minutes or int(minutes) == 0
        words = num.cardinal(str(int(hours))) if on_the_hour else num.clock(hours, minutes)
        return f"{words} {meridiem.upper()}M"
    return num.clock(hours, minutes)


def _long_clock(match: re.Match[str]) -> str:
    hours, minutes, seconds = match.groups()
    if int(minutes) > 59 or int(seconds) > 59:
        return match[0]
    parts = (num.cardinal(str(int(hours))), *(two_digits(part) for part in (minutes, seconds)))
    return " ".join(parts)


def _to(match: re.Match[str]) -> str:
    return f"{match[1]} to "


def two_digits(digits: str) -> str:
    if digits == "00":
        return "oh oh"
    return num.phone(digits) if digits[0] == "0" else num.cardinal(digits)


def decade(match: re.Match[str]) -> str:
    return num.decade(next(group for group in match.groups() if group))


def year(match: re.Match[str]) -> str:
    return num.year(match[0])


def year_range(match: re.Match[str]) -> str:
    second = match[2]
    words = num.year(second) if len(second) == 4 else two_digits(second)
    return f"{num.year(match[1])} to {words}"


def code_part(part: str) -> str:
    if not part[0].isdigit():
        return part
    if len(part) == 3 and part[1:] != "00":
        return f"{num.cardinal(part[0])} {two_digits(part[1:])}"
    if len(part) == 4 and part[1:] != "000" and part[2:] != "00":
        return f"{num.cardinal(part[:2])} {two_digits(part[2:])}"
    return num.cardinal(part) if len(part) < 5 else num.by_digit(part)


DATE_RULES: Final[tuple[Rule, ...]] = (
    rule("ip address", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\w)", _ip_address),
    rule(
        "iso date",
        rf"(?<![\w-])({YEAR})([-/.])(\d{{1,2}})\2(\d{{1,2}})(?![\d/-]|\.\d)(?:T(?=\d))?",
        _iso_date,
    ),
    rule("version", r"(?<![\w.])([vV]?)\.?(\d+(?:\.\d+){2,4})(?!\w|\.\d)", _version),
    rule("v number", r"(?<![\w.])([vV])\.?\s?(\d+(?:\.\d+)?)(?!\w)", _version),
    rule(
        "phone",
        r"(?<![\w+.])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,5}\)?[ .-]?){2,5}\d{2,4}|"
        r"(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\d{3}-\d{4}|1[- ]\d{3}[- ]\d{3}[- ]\d{4})"
        r"(?![\w-]|\.\d)",
        _phone,
    ),
    rule(
        "service number",
        r"\b([Cc]all(?:ed|ing)?|[Dd]ial(?:ed|ing)?|[Aa]rea code|[Rr]oom|[Ff]light) (911|411|311|"
        r"999|112|\d0\d)(?!\d|[.,:]\d)",
        _service_number,
    ),
    rule(
        "named number",
        r"\b(Boeing|Airbus|Room|room|Flight|flight|Route|route|Highway|highway|Interstate|Suite|"
        r"Gate|Apartment|Area|RTX|GTX|Porsche|Intel|Bus|bus) (\d{3,4})(?![\d:]|[.,]\d)",
        _named_number,
    ),
    rule(
        "slash date",
        r"(?<![\w/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\w/]|[.-]\d)",
        _slash_date,
    ),
    rule(
        "month day",
        rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?"
        rf"(?:\s?[-–]\s?(?P<last>\d{{1,2}})(?:st|nd|rd|th)?)?"
        rf"(?:,? (?P<year>{YEAR}))?(?![\d:]|[.,]\d)",
        _month_day,
    ),
    rule(
        "day month",
        rf"(?P<the>\b[Tt]he )?\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}"
        rf"(?![a-z])(?:,? (?P<year>{YEAR}))?(?!\d)",
        _day_month,
    ),
    rule("month year", rf"\b{_MONTH},? (?P<year>{YEAR})\b", _month_year),
    rule("about", rf"(?<![\w\s]\s)(?<![\w.])~(?={_NUMBER})", lambda match: "about "),
    rule("clock range", r"(\d{1,2}:\d\d\s?(?:[ap]m)?)\s?[-–~]\s?(?=\d{1,2}:\d\d)", _to),
    rule("ordinal range", r"(?<=\d)(st|nd|rd|th)\s?[-–~]\s?(?=\d+(?:st|nd|rd|th)\b)", _to),
    rule("long clock", r"(?<![\d:.])(\d{1,2}):(\d\d):(\d\d)(?![\d:])", _long_clock),
    rule(
        "clock",
        rf"(?<![\d:.])(?P<hours>\d{{1,2}})(?:[:.](?P<minutes>\d\d))?\s?{_MERIDIEM}",
        _clock,
    ),
    rule(
        "clock 24",
        r"(?<![\d:.])(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d)(?![\d:])(?P<meridiem>(?!))?",
        _clock,
    ),
)
