"""English numbers in words, the American way. Pure functions, digits in, words out."""

from typing import Final

from frontend.wordlist import words

_ONES: Final = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENS: Final = words("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES: Final = (
    (10**15, "quadrillion"),
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (10**3, "thousand"),
    (10**2, "hundred"),
)
#: Longer digit strings are read digit by digit.
MAX_CARDINAL_DIGITS: Final = 18

_IRREGULAR_ORDINALS: Final = {
    **{"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"},
    **{"nine": "ninth", "twelve": "twelfth"},
}


def cardinal(digits: str) -> str:
    """Read a whole number: "1250" is "one thousand two hundred fifty".

    Args:
        digits: ASCII digits; commas are ignored. More than `MAX_CARDINAL_DIGITS` of them, or a
            leading zero before others, are read one by one.
    """
    digits = digits.replace(",", "")
    if len(digits) > MAX_CARDINAL_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return by_digit(digits)
    return _words(int(digits))


def _words(value: int) -> str:
    if value < 20:
        return _ONES[value]
    if value < 100:
        return _TENS[value // 10] + (f" {_ONES[value % 10]}" if value % 10 else "")
    for size, name in _SCALES:
        if value >= size:
            rest = f" {_words(value % size)}" if value % size else ""
            return f"{_words(value // size)} {name}{rest}"
    raise AssertionError(value)


def by_digit(digits: str, zero: str = "zero") -> str:
    """Read digits one by one; other characters are skipped."""
    return " ".join(zero if char == "0" else _ONES[int(char)] for char in digits if char.isdigit())


def phone(digits: str) -> str:
    """Read digits one by one, zero as "oh", as in telephone numbers."""
    return by_digit(digits, zero="oh")


def ordinal(digits: str) -> str:
    """Read an ordinal: "22" is "twenty second"."""
    return make_ordinal(cardinal(digits))


def make_ordinal(words: str) -> str:
    """Turn a cardinal in words into an ordinal: "twenty one" is "twenty first"."""
    head, _, last = words.rpartition(" ")
    if last in _IRREGULAR_ORDINALS:
        last = _IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last = f"{last}th"
    return f"{head} {last}".strip()


def pluralize(words: str) -> str:
    """Add the plural ending to number words: "ninety" is "nineties", "six" is "sixes"."""
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith(("x", "s")) else f"{words}s"


def decimal(number: str) -> str:
    """Read a number with an optional fraction: "3.14" is "three point one four"."""
    whole, point, fraction = number.partition(".")
    words = cardinal(whole) if whole else ""
    if point and fraction:
        words = f"{words} point {by_digit(fraction)}".strip()
    return words


def year(digits: str) -> str:
    """Read a year: "1984", "2005", "1900", "1066"; other lengths are cardinals."""
    if len(digits) != 4 or digits[0] == "0" or digits[1:3] == "00":
        return cardinal(digits)
    if digits[2:] == "00":
        return f"{cardinal(digits[:2])} hundred"
    tail = f"oh {_ONES[int(digits[3])]}" if digits[2] == "0" else cardinal(digits[2:])
    return f"{cardinal(digits[:2])} {tail}"


def decade(digits: str) -> str:
    """Read a decade without its s: "1990" is "nineteen nineties", "80" is "eighties"."""
    if digits[-3:] == "000":
        return pluralize(cardinal(digits))
    head, _, last = year(digits).rpartition(" ") if len(digits) == 4 else ("", "", cardinal(digits))
    return f"{head} {pluralize(last)}".strip()


def fraction(numerator: str, denominator: str) -> str:
    """Read a fraction: "3", "4" is "three quarters"; unusual ones are "a over b"."""
    top, bottom = int(numerator), int(denominator)
    if bottom < 2 or bottom > 100 or (bottom > 20 and bottom % 10 and bottom % 25):
        return f"{cardinal(numerator)} over {cardinal(denominator)}"
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(denominator)
    if top != 1:
        name = "halves" if name == "half" else f"{name}s"
    return f"{cardinal(numerator)} {name}"


def clock(hours: str, minutes: str) -> str:
    """Read a time of day: "10", "05" is "ten oh five"; full hours are "ten o'clock"."""
    hour = cardinal(str(int(hours)))
    if int(minutes) == 0:
        return f"{hour} o'clock" if 1 <= int(hours) <= 12 else f"{hour} hundred"
    return f"{hour} {phone(minutes) if minutes[0] == '0' else cardinal(minutes)}"


def roman_value(letters: str) -> int:
    """Value of a well-formed Roman numeral below 4000; 0 when it is not one."""
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    total = 0
    for index, char in enumerate(letters):
        value = values.get(char, 0)
        after = values.get(letters[index + 1], 0) if index + 1 < len(letters) else 0
        total += -value if value < after else value
    return total if 0 < total < 4000 and _to_roman(total) == letters else 0


def _to_roman(value: int) -> str:
    parts = (
        *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC")),
        *((50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
    )
    letters = ""
    for size, name in parts:
        letters += name * (value // size)
        value %= size
    return letters
