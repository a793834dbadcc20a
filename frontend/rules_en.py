"""English rules for numbers: each turns one written form into words.

Order matters: the most specific forms come first, what is left is read as plain numbers. The
words are lower case without hyphens; letters that are to be spelled stay upper case.
"""

import re
from typing import Final

from frontend import numbers_en as num
from frontend.rules import Rule, rule
from frontend.units_en import CURRENCIES, MAGNITUDES, PER, UNITS

_MONTHS: Final = (
    "january february march april may june july august september october november december"
).split()
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
_RANGE: Final = r"\s?[-–~]\s?"
_ALTERNATIVES = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_CURRENCY = "|".join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))
_MERIDIEM: Final = r"(?P<meridiem>[AaPp])\.?\s?[Mm](?:\.(?!\s+[A-Z]|\s*$)|\b)"


def _signed(text: str) -> str:
    """Read a number that may start with a minus or plus."""
    word = {"-": "minus ", "–": "minus ", "+": "plus "}.get(text[0], "")
    return word + num.decimal(text.lstrip("-–+"))


def _is_one(number: str) -> bool:
    return number.lstrip("-–") in {"1", "01"}


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
    return f"{match[1]} {_code_part(match[2])}"


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
    parts = (num.cardinal(str(int(hours))), *(_two_digits(part) for part in (minutes, seconds)))
    return " ".join(parts)


def _to(match: re.Match[str]) -> str:
    return f"{match[1]} to "


def _two_digits(digits: str) -> str:
    if digits == "00":
        return "oh oh"
    return num.phone(digits) if digits[0] == "0" else num.cardinal(digits)


def _decade(match: re.Match[str]) -> str:
    return num.decade(next(group for group in match.groups() if group))


def _year(match: re.Match[str]) -> str:
    return num.year(match[0])


def _year_range(match: re.Match[str]) -> str:
    second = match[2]
    words = num.year(second) if len(second) == 4 else _two_digits(second)
    return f"{num.year(match[1])} to {words}"


# ---------------------------------------------------------------- money and measures
def _amount(number: str, names: tuple[str, str, str, str]) -> str:
    """Read an amount of money; two decimals are cents."""
    whole, _, part = number.replace(",", "").partition(".")
    if len(part) == 2:
        cents = int(part)
        cent_words = f"{num.cardinal(str(cents))} {names[2] if cents == 1 else names[3]}"
        if cents and not int(whole or 0):
            return cent_words
        words = f"{num.cardinal(whole)} {names[0] if _is_one(whole) else names[1]}"
        return f"{words} and {cent_words}" if cents else words
    unit = names[0] if _is_one(number) else names[1]
    return f"{num.decimal(number.replace(',', ''))} {unit}"


def _money(match: re.Match[str]) -> str:
    names = CURRENCIES[match["currency"]]
    minus = "minus " if match["minus"] else ""
    low, high, magnitude = match["low"], match["high"], match["magnitude"]
    if magnitude:
        size = MAGNITUDES[magnitude]
        span = f"{num.decimal(low)} to {num.decimal(high)}" if high else num.decimal(low)
        words = f"{span} {size} {names[1]}"
    elif high:
        words = f"{num.decimal(low)} to {_amount(high, names)}"
    else:
        words = _amount(low, names)
    per = f" per {PER[match['per']]}" if match["per"] and match["per"] in PER else ""
    return f" {minus}{words}{per} "


def _money_after(match: re.Match[str]) -> str:
    return f" {_amount(match[1], CURRENCIES[match[2]])} "


def _cents(match: re.Match[str]) -> str:
    return f" {num.decimal(match[1])} {'cent' if _is_one(match[1]) else 'cents'} "


def _measure(match: re.Match[str]) -> str:
    singular, plural = UNITS[match["unit"]]
    number, high = match["number"], match["high"]
    if high:
        words = f"{_signed(number)} to {_signed(high)} {plural}"
    else:
        # "a 10-kg bag": a measure joined by a hyphen is an adjective.
        one = _is_one(number) or match["hyphen"]
        words = f"{_signed(number)} {singular if one else plural}"
    per = f" per {PER[match['per']]}" if match["per"] else ""
    return f" {words}{per} "


def _feet_inches(match: re.Match[str]) -> str:
    feet, inches = match[1], match[2]
    words = f"{num.cardinal(feet)} {'foot' if feet == '1' else 'feet'}"
    return f" {words} {num.cardinal(inches)} " if inches else f" {words} "


def _dimensions(match: re.Match[str]) -> str:
    return f" {' by '.join(num.decimal(part) for part in re.split(r'[x×*X ]+', match[0]))} "


# ---------------------------------------------------------------- fractions, ordinals, ranges
def _mixed_fraction(match: re.Match[str]) -> str:
    part = num.fraction(match[2], match[3])
    if match[2] == "1":
        part = ("an " if part.startswith("one eigh") else "a ") + part.removeprefix("one ")
    return f"{num.cardinal(match[1])} and {part}"


def _fraction(match: re.Match[str]) -> str:
    return num.fraction(match[1], match[2])


def _fixed_slash(match: re.Match[str]) -> str:
    return {"24/7": "twenty four seven", "9/11": "nine eleven", "50/50": "fifty fifty"}[match[0]]


def _ordinal(match: re.Match[str]) -> str:
    return f"{num.ordinal(match[1].replace(',', ''))}"


def _range(match: re.Match[str]) -> str:
    return f"{num.decimal(match[1])} to {num.decimal(match[2])}"


def _ratio(match: re.Match[str]) -> str:
    return f"{num.decimal(match[1])} to {num.decimal(match[2])}"


def _number_sign(match: re.Match[str]) -> str:
    return f"number {num.cardinal(match[1])}"


def _magnitude(match: re.Match[str]) -> str:
    # 4K and 5K are names, 100K is a count.
    if match[2] == "K" and abs(float(match[1].replace("–", "-").replace(",", ""))) < 20:
        return f" {_signed(match[1])} K "
    return f" {_signed(match[1])} {MAGNITUDES[match[2]]} "


def _signed_number(match: re.Match[str]) -> str:
    return f" {_signed(match[0])} "


def _times(match: re.Match[str]) -> str:
    return f" {num.decimal(match[1])} times "


def _plural_number(match: re.Match[str]) -> str:
    return num.pluralize(num.cardinal(match[1]))


def _letters_digits(match: re.Match[str]) -> str:
    """Codes such as A4, B2B, COVID-19, GPT-4o: letters and numbers apart."""
    parts = re.findall(r"\d+|[^\W\d_]+", match[0])
    return f" {' '.join(_code_part(part) for part in parts)} "


def _code_part(part: str) -> str:
    if not part[0].isdigit():
        return part
    if len(part) == 3 and part[1:] != "00":
        return f"{num.cardinal(part[0])} {_two_digits(part[1:])}"
    if len(part) == 4 and part[1:] != "000" and part[2:] != "00":
        return f"{num.cardinal(part[:2])} {_two_digits(part[2:])}"
    return num.cardinal(part) if len(part) < 5 else num.by_digit(part)


_YEAR: Final = r"(?:1[1-9]|20)\d\d"
# A bare four-digit number is a count, not a year, before units and plural nouns.
_NOT_COUNT: Final = (
    r"(?!\s+(?!(?:is|was|as|has|does|this|his|its|us|olympics|games|elections|series|always|plus|"
    r"means|hours)\b)[a-z]+[^su\W]s\b)(?!\s+(?:people|men|women|children|percent|hours|days)\b)"
)

NUMBER_RULES: Final[tuple[Rule, ...]] = (
    rule("ip address", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\w)", _ip_address),
    rule(
        "iso date",
        rf"(?<![\w-])({_YEAR})([-/.])(\d{{1,2}})\2(\d{{1,2}})(?![\d/-]|\.\d)(?:T(?=\d))?",
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
        r"Gate|Apartment|Area|Porsche|Intel|Bus|bus) (\d{3,4})(?![\d:]|[.,]\d)",
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
        rf"(?:,? (?P<year>{_YEAR}))?(?![\d:]|[.,]\d)",
        _month_day,
    ),
    rule(
        "day month",
        rf"(?P<the>\b[Tt]he )?\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}"
        rf"(?![a-z])(?:,? (?P<year>{_YEAR}))?(?!\d)",
        _day_month,
    ),
    rule("month year", rf"\b{_MONTH},? (?P<year>{_YEAR})\b", _month_year),
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
    rule(
        "money",
        rf"(?P<minus>(?<!\w)[-–])?(?<![A-Za-z])(?P<currency>{_CURRENCY})\s?(?P<low>{_NUMBER})"
        rf"(?:{_RANGE}(?:(?:{_CURRENCY})\s?)?(?P<high>{_NUMBER}))?"
        r"(?:\s?(?P<magnitude>thousand|million|billion|trillion|mn|bn|tn|[kKmMbBT])\b)?"
        r"(?:/(?P<per>[a-z]+))?",
        _money,
    ),
    rule("money after", rf"({_NUMBER})\s?(€|£|\$|¥|USD|EUR|GBP|RMB|CNY|JPY)(?![\w])", _money_after),
    rule("cents", rf"({_NUMBER})\s?¢", _cents),
    rule(
        "decade",
        r"(?<![\w.])(?:'?((?:1[1-9]|20)\d0)'?s|'([2-9]0)'?s|(?<=the )([2-9]0)'?s|"
        r"(?<=\bin )([2-9]0)'?s|(?<=(?:my|is|er|ir|ly|id|te|ur)[ -])([2-9]0)s)\b",
        _decade,
    ),
    rule(
        "feet",
        r"(?<![\w.'])(\d{1,2})'(?:\s?(\d{1,2})(?:\"|''|\b)|(?=\s+(?:tall|long|wide|high|deep)))",
        _feet_inches,
    ),
    rule(
        "measure",
        rf"(?P<number>(?:{_MINUS})?{_NUMBER})(?:{_RANGE}(?P<high>{_NUMBER}))?"
        rf"(?:\s|(?P<hyphen>-(?=[a-zA-Z])))?(?P<unit>{_ALTERNATIVES})(?:/(?P<per>{'|'.join(PER)}))?(?![\w/^])",
        _measure,
    ),
    rule(
        "dimensions",
        rf"(?<![\w.]){_NUMBER}(?:(?:\s?[xX]\s?|×){_NUMBER})+(?![\w.]\w|\s?=|x)",
        _dimensions,
    ),
    rule("fixed slash", r"(?<![\w/])(?:24/7|9/11|50/50)(?![\w/])", _fixed_slash),
    rule("mixed fraction", r"(?<![\w/.,])(\d+) (\d{1,2})[/⁄](\d{1,3})(?![\w/])", _mixed_fraction),
    rule("fraction", r"(?<![\w/.,])(\d{1,3})[/⁄](\d{1,3})(?![\w/])", _fraction),
    rule("ordinal", r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th|ST|ND|RD|TH)\b", _ordinal),
    rule("times", rf"(?<![\w.])({_NUMBER})[x×](?!\w)(?!\s?\d)", _times),
    rule("number sign", r"(?<!\w)(?:#|[Nn]o\.\s?|[Nn]os\.\s?|№\s?)(\d+)(?![\w])", _number_sign),
    rule("magnitude", rf"(?<!\w)((?:{_MINUS})?{_NUMBER})([kKMB]|bn|mn)\b(?![-'])", _magnitude),
    rule("year range", rf"(?<![\w.,-])({_YEAR}){_RANGE}({_YEAR}|\d\d)(?![\w-]|[.,]\d)", _year_range),
    rule("range", rf"(?<![\w.,-])({_NUMBER}){_RANGE}({_NUMBER})(?![\w-]|[.,]\d)", _range),
    rule("ratio", r"(?<![\w.:])(\d+):(\d+)(?![\w:])", _ratio),
    rule("plural number", r"(?<![\w.])(\d+)s\b", _plural_number),
    rule("year", rf"(?<![\w.,$£€-]){_YEAR}(?![\w%]|[.,]\d|-\d){_NOT_COUNT}", _year),
    rule(
        "letters and digits",
        r"(?<![\w.])(?:[^\W\d_]+[-]?\d+(?:[-]?[^\W_]+)*|\d+(?![a-z]*-[a-z])[^\W\d_]+[^\W_]*)",
        _letters_digits,
    ),
    rule("signed number", rf"(?:(?<![\w.)\]+-])(?<!\d\s)[-–+])?{_NUMBER}", _signed_number),
)
