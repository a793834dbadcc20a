"""English rules for numbers: each turns one written form into words.

Order matters: the most specific forms come first, what is left is read as plain numbers. The
words are lower case without hyphens; letters that are to be spelled stay upper case.
"""

import re
from typing import Final

from frontend.rules import numbers_en as num
from frontend.rules.core import NUMBER, Rule, alternatives, rule
from frontend.rules.english_dates import (
    DATE_RULES,
    YEAR,
    code_part,
    decade,
    year,
    year_range,
)
from frontend.rules.units_en import CURRENCIES, MAGNITUDES, PER, UNITS

_MINUS: Final = r"(?:(?<![\w.)])[-–](?=[\d.]))"
_RANGE: Final = r"\s?[-–~]\s?"
_UNIT = alternatives(UNITS)
_CURRENCY = alternatives(CURRENCIES)


def _signed(text: str) -> str:
    """Read a number that may start with a minus or plus."""
    word = {"-": "minus ", "–": "minus ", "+": "plus "}.get(text[0], "")
    return word + num.decimal(text.lstrip("-–+"))


def _is_one(number: str) -> bool:
    return number.lstrip("-–") in {"1", "01"}


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


def _fraction_measure(match: re.Match[str]) -> str:
    """Read "2 1/2 kg" with its unit; a lone fraction takes the singular."""
    singular, plural = UNITS[match["unit"]]
    if match["whole"]:
        return f" {_mix(match['whole'], match['top'], match['bottom'])} {plural} "
    return f" {num.fraction(match['top'], match['bottom'])} {singular} "


def _feet_inches(match: re.Match[str]) -> str:
    feet, inches = match[1], match[2]
    words = f"{num.cardinal(feet)} {'foot' if feet == '1' else 'feet'}"
    return f" {words} {num.cardinal(inches)} " if inches else f" {words} "


def _dimensions(match: re.Match[str]) -> str:
    return f" {' by '.join(num.decimal(part) for part in re.split(r'[x×*X ]+', match[0]))} "


# ---------------------------------------------------------------- fractions, ordinals, ranges
def _mix(whole: str, top: str, bottom: str) -> str:
    part = num.fraction(top, bottom)
    if top == "1":
        part = ("an " if part.startswith("one eigh") else "a ") + part.removeprefix("one ")
    return f"{num.cardinal(whole)} and {part}"


def _mixed_fraction(match: re.Match[str]) -> str:
    return _mix(match[1], match[2], match[3])


def _fraction(match: re.Match[str]) -> str:
    return num.fraction(match[1], match[2])


def _blood_pressure(match: re.Match[str]) -> str:
    unit = " millimeters of mercury" if match[3] else ""
    return f"{num.cardinal(match[1])} over {num.cardinal(match[2])}{unit}"


def _fixed_slash(match: re.Match[str]) -> str:
    return {"24/7": "twenty four seven", "9/11": "nine eleven", "50/50": "fifty fifty"}[match[0]]


def _ordinal(match: re.Match[str]) -> str:
    return num.ordinal(match[1].replace(",", ""))


def _range(match: re.Match[str]) -> str:
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
    code = match[0].removesuffix("'s")
    ending = match[0][len(code) :]
    parts = re.findall(r"\d+|[^\W\d_]+", code)
    return f" {' '.join(_code_letters(part) for part in parts)}{ending} "


def _code_letters(part: str) -> str:
    """Read one part of a code; few letters are said by their names: ce2 is C E two."""
    if part[0].isdigit():
        return code_part(part)
    few = len(part) <= 2 or (len(part) == 3 and not part.islower() and not part.istitle())
    if part == "a":
        return "A"
    # Letters without a vowel are spelled anyway: MP3, GPT-4.
    vowel = re.search("[aeiouyAEIOUY]", part) is not None
    if part.isascii() and few and len(part) > 1 and vowel:
        from frontend.english.g2p import is_acronym, is_common_word

        if not is_acronym(part) and (len(part) < 3 or not is_common_word(part.lower())):
            return " ".join(part.upper())
    return part


# A bare four-digit number is a count, not a year, before units and plural nouns.
_NOT_COUNT: Final = (
    r"(?!\s+(?!(?:is|was|as|has|does|this|his|its|us|olympics|games|elections|series|always|plus|"
    r"means|hours)\b)[a-z]+[^su\W]s\b)(?!\s+(?:people|men|women|children|percent|hours|days)\b)"
)

NUMBER_RULES: Final[tuple[Rule, ...]] = (
    *DATE_RULES,
    rule(
        "money",
        rf"(?P<minus>(?<!\w)[-–])?(?<![A-Za-z])(?P<currency>{_CURRENCY})\s?(?P<low>{NUMBER})"
        rf"(?:{_RANGE}(?:(?:{_CURRENCY})\s?)?(?P<high>{NUMBER}))?"
        r"(?:\s?(?P<magnitude>thousand|million|billion|trillion|mn|bn|tn|[kKmMbBT])\b)?"
        r"(?:/(?P<per>[a-z]+))?",
        _money,
    ),
    rule("money after", rf"({NUMBER})\s?(€|£|\$|¥|USD|EUR|GBP|RMB|CNY|JPY)(?![\w])", _money_after),
    rule("cents", rf"({NUMBER})\s?¢", _cents),
    rule(
        "decade",
        r"(?<![\w.])(?:'?((?:1[1-9]|20)\d0)'?s|'([2-9]0)'?s|(?<=the )([2-9]0)'?s|"
        r"(?<=\bin )([2-9]0)'?s|(?<=(?:my|is|er|ir|ly|id|te|ur)[ -])([2-9]0)s)\b",
        decade,
    ),
    rule(
        "feet",
        r"(?<![\w.'])(\d{1,2})'(?:\s?(\d{1,2})(?:\"|''|\b)|(?=\s+(?:tall|long|wide|high|deep)))",
        _feet_inches,
    ),
    rule(
        "fraction measure",
        r"(?<![\w/.,])(?:(?P<whole>\d+) )?(?P<top>\d{1,2})[/⁄](?P<bottom>\d{1,3})\s?"
        rf"(?P<unit>{_UNIT})(?![\w/^])",
        _fraction_measure,
    ),
    rule(
        "blood pressure",
        r"(?<![\w/.,])(?:(?<=BP )|(?=\d+/\d+\s?mm\s?Hg))(\d{2,3})/(\d{2,3})(\s?mm\s?Hg)?(?![\w/])",
        _blood_pressure,
    ),
    rule(
        "measure",
        rf"(?P<number>(?:{_MINUS})?{NUMBER})(?:{_RANGE}(?P<high>{NUMBER}))?"
        rf"(?:\s|(?P<hyphen>-(?=[a-zA-Z])))?(?P<unit>{_UNIT})(?:\.(?=\s+[a-z(]))?"
        rf"(?:/(?P<per>{'|'.join(PER)}))?(?![\w/^])",
        _measure,
    ),
    rule(
        "dimensions",
        rf"(?<![\w.]){NUMBER}(?:(?:\s?[xX]\s?|×){NUMBER})+(?![\w.]\w|\s?=|x)",
        _dimensions,
    ),
    rule("fixed slash", r"(?<![\w/])(?:24/7|9/11|50/50)(?![\w/])", _fixed_slash),
    rule("mixed fraction", r"(?<![\w/.,])(\d+) (\d{1,2})[/⁄](\d{1,3})(?![\w/])", _mixed_fraction),
    rule("fraction", r"(?<![\w/.,])(\d{1,3})[/⁄](\d{1,3})(?![\w/])", _fraction),
    rule("ordinal", r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th|ST|ND|RD|TH)\b", _ordinal),
    rule("times", rf"(?<![\w.])({NUMBER})[x×](?!\w)(?!\s?[\d=+*/^])", _times),
    rule(
        "number sign", r"(?<!\w)(?:#|[Nn]o\.\s?|[Nn]os\.\s?|№\s?|N°\s?)(\d+)(?![\w])", _number_sign
    ),
    rule("magnitude", rf"(?<!\w)((?:{_MINUS})?{NUMBER})([kKMB]|bn|mn)\b(?![-'])", _magnitude),
    rule("year range", rf"(?<![\w.,-])({YEAR}){_RANGE}({YEAR}|\d\d)(?![\w-]|[.,]\d)", year_range),
    rule("range", rf"(?<![\w.,-])({NUMBER}){_RANGE}({NUMBER})(?![\w-]|[.,]\d)", _range),
    rule("ratio", r"(?<![\w.:])(\d+):(\d+)(?![\w:])", _range),
    rule("plural number", r"(?<![\w.])(\d+)s\b", _plural_number),
    rule("year", rf"(?<![\w.,$£€-]){YEAR}(?![\w%]|[.,]\d|-\d){_NOT_COUNT}", year),
    rule(
        "letters and digits",
        r"(?<![\w.])(?:[^\W\d_]+[-]?\d+(?:[-]?[^\W_]+)*|\d+(?![a-z]*-[a-z])[^\W\d_]+[^\W_]*)(?:'s\b)?",
        _letters_digits,
    ),
    rule("signed number", rf"(?:(?<![\w.)\]+-])(?<!\d\s)[-–+])?{NUMBER}", _signed_number),
)
