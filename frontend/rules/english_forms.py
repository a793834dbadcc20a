"""English rules for what people paste: telephone numbers, addresses, formulas, keys, ranges.

They run before the rules for plain numbers.
"""

import re
from typing import Final

from frontend.rules import numbers_en as num
from frontend.rules.core import Rule, rule
from frontend.rules.english_dates import code_part
from frontend.rules.units_en import PER

_STATES: Final = {
    **{"AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California"},
    **{"CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia"},
    **{"HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa"},
    **{"KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland"},
    **{"MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi"},
    **{"MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada"},
    **{"NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York"},
    **{"NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma"},
    **{"OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina"},
    **{"SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont"},
    **{"VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin"},
    **{"WY": "Wyoming", "DC": "D C"},
}
#: As newspapers write them after a city or party.
_STATE_NAMES: Final = {
    **{"Ala": "Alabama", "Ariz": "Arizona", "Ark": "Arkansas", "Calif": "California"},
    **{"Colo": "Colorado", "Conn": "Connecticut", "Del": "Delaware", "Fla": "Florida"},
    **{"Ga": "Georgia", "Ill": "Illinois", "Ind": "Indiana", "Kan": "Kansas", "Ky": "Kentucky"},
    **{"La": "Louisiana", "Md": "Maryland", "Mass": "Massachusetts", "Mich": "Michigan"},
    **{"Minn": "Minnesota", "Miss": "Mississippi", "Mo": "Missouri", "Mont": "Montana"},
    **{"Neb": "Nebraska", "Nev": "Nevada", "Okla": "Oklahoma", "Ore": "Oregon"},
    **{"Pa": "Pennsylvania", "Tenn": "Tennessee", "Tex": "Texas", "Va": "Virginia"},
    **{"Vt": "Vermont", "Wash": "Washington", "Wis": "Wisconsin", "Wyo": "Wyoming"},
}
_DAYS: Final = {
    **{"Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday"},
    **{"Thu": "Thursday", "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday"},
    **{"Sat": "Saturday", "Sun": "Sunday"},
}
_MONTHS: Final = {
    **{"Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "May": "May"},
    **{"Jun": "June", "Jul": "July", "Aug": "August", "Sep": "September", "Sept": "September"},
    **{"Oct": "October", "Nov": "November", "Dec": "December"},
}
_KEYS: Final = {
    **{"Ctrl": "Control", "ctrl": "control", "CTRL": "Control", "Cmd": "Command", "cmd": "command"},
    **{"Esc": "Escape", "Del": "Delete", "Alt": "Alt", "Shift": "Shift", "Win": "Windows"},
    **{"Opt": "Option", "Fn": "F N", "Ins": "Insert", "Tab": "Tab", "Enter": "Enter"},
}
_ELEMENTS: Final = frozenset(
    [
        "H",
        "He",
        "Li",
        "Be",
        "B",
        "C",
        "N",
        "O",
        "F",
        "Ne",
        "Na",
        "Mg",
        "Al",
        "Si",
        "P",
        "S",
        "Cl",
        "Ar",
        "K",
        "Ca",
        "Ti",
        "V",
        "Cr",
        "Mn",
        "Fe",
        "Co",
        "Ni",
        "Cu",
        "Zn",
        "As",
        "Se",
        "Br",
        "Kr",
        "Ag",
        "Cd",
        "Sn",
        "I",
        "Xe",
        "Ba",
        "W",
        "Pt",
        "Au",
        "Hg",
        "Pb",
        "U",
    ]
)
#: A number and letter after these name a place or thing: Gate 5B is no billion.
_PLACES: Final = (
    "[Aa]pt|[Aa]partment|[Gg]ate|[Uu]nit|[Ss]uite|Ste|[Rr]oom|Rm|[Ff]lat|[Ss]eat|[Rr]ow|Bldg|"
    "[Bb]uilding|[Tt]erminal|[Pp]latform|[Ss]ection|[Bb]lock|[Ff]igures?|[Ff]igs?|[Ff]loor|[Ee]xit|"
    "[Bb]ay|[Dd]ock|[Ll]ot|[Tt]able|[Rr]oute|[Bb]us|[Ll]ine|[Ss]tand|[Bb]ox|[Cc]lass|[Gg]rade|"
    "[Ll]evel|[Nn]o|[Nn]umber|[Dd]oor|[Hh]ouse|[Hh]all|[Ww]ing|[Tt]rack|[Ll]ane|[Zz]one|[Pp]ier|"
    "[Ll]ocker|[Ss]tep|[Pp]art|[Pp]age|[Qq]uestion|[Ee]xercise|[Ii]tem|[Tt]ype|[Mm]odel|[Gg]roup|"
    "[Tt]eam|[Pp]lot|[Aa]ppendix|[Cc]hapter|[Aa]nnex|[Ss]pace|[Ss]lot|[Cc]abin|[Bb]erth|Wi-Fi|Phase"
)
_DAY: Final = "|".join(sorted(_DAYS, key=len, reverse=True))
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_STATE: Final = "|".join(_STATES)
_PER: Final = "|".join(
    sorted(
        {*PER, "days", "litre", "liter", "cup", "unit", "user", "seat", "head"},
        key=len,
        reverse=True,
    )
)
_CLOCK: Final = r"\d{1,2}(?::\d\d)?"
_MERIDIEM: Final = r"[AaPp]\.?[Mm]\b\.?"


def spaced(letters: str) -> str:
    """Letters apart, so that each is said by its name."""
    return " ".join(letters.upper())


def _day_range(match: re.Match[str]) -> str:
    return f"{_DAYS[match[1]]} to {_DAYS[match[2]]}"


def _month_range(match: re.Match[str]) -> str:
    return f"{_MONTHS[match[1]]} to {_MONTHS[match[2]]}"


def _zip(match: re.Match[str]) -> str:
    groups = [group for group in (match["zip"], match["plus"]) if group]
    return f"{match['lead']}{' '.join(num.phone(group) for group in groups)}"


def _state_zip(match: re.Match[str]) -> str:
    groups = [group for group in (match["zip"], match["plus"]) if group]
    return f", {_STATES[match['state']]}, {' '.join(num.phone(group) for group in groups)}"


def _labelled_phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match["number"])
    if not 7 <= sum(map(len, groups)) <= 15:
        return match[0]
    return f"{match['label']}{', '.join(num.phone(group) for group in groups)}"


def _free_phone(match: re.Match[str]) -> str:
    return f" {', '.join(num.phone(group) for group in re.findall(r'[0-9]+', match[0]))} "


def _place(match: re.Match[str]) -> str:
    name = {
        "Apt": "Apartment",
        "apt": "apartment",
        "Ste": "Suite",
        "Rm": "Room",
        "Bldg": "Building",
    }
    said = name.get(match[1], match[1])
    return f"{said} {code_part(match[2])} {match[3].upper()}"


def is_formula(text: str) -> bool:
    """Whether letters and digits are a chemical formula, such as CO2 or H2SO4."""
    symbols = re.findall(r"[A-Z][a-z]?", text)
    if any(symbol not in _ELEMENTS for symbol in symbols):
        return False
    return len(symbols) > 1 or text in {"O2", "N2", "H2", "O3", "Cl2", "F2", "Br2", "I2"}


def _formula(match: re.Match[str]) -> str:
    """Read a chemical formula by its letters: CO2 is C O two."""
    if not is_formula(match[0]):
        return match[0]
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", match[0])
    said = (f"{spaced(symbol)} {num.cardinal(count) if count else ''}" for symbol, count in parts)
    return f" {' '.join(said)} "


def _ampersand(match: re.Match[str]) -> str:
    return f"{spaced(match[1])} and {spaced(match[2])}"


def _is_relation(match: re.Match[str]) -> str:
    """In a sentence, 3 < 5 is a clause; alone it is a formula."""
    words = {"<": "less than", ">": "greater than"}[match[1]]
    clause = re.search(r"[a-z]{2,}", match.string) is not None
    return f" {'is ' if clause else ''}{words} "


def _inches(match: re.Match[str]) -> str:
    if match.string[: match.start()].count('"') % 2:
        return match[0]
    plural = "inch" if re.match(r"\s[A-Za-z]", match.string[match.end() :]) else "inches"
    return f"{num.decimal(match[1])} {plural}"


def _key(match: re.Match[str]) -> str:
    return f"{_KEYS[match[1]]} "


def _extension(match: re.Match[str]) -> str:
    ending = match[2].lower()
    said = (
        ending if ending in {"zip", "json", "log", "bat", "dat", "bin", "java"} else spaced(ending)
    )
    return f"{'star ' if match[1] else ''}dot {said}"


_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"


def _alphabet(match: re.Match[str]) -> str:
    return spaced(match[0]) if match[0].lower() in _ALPHABET else match[0]


def _times_of(match: re.Match[str]) -> str:
    return f"{num.decimal(match[1])} {match[2].upper()} "


FORM_RULES: Final[tuple[Rule, ...]] = (
    rule(
        "alphabet",
        r"(?i:\b(?:abcd[e-z]*|xyz|wxyz|[u-v]vw[x-z]*|lmno[p-z]*|qrst[u-z]*|hijk[l-z]*|defg[h-z]*|"
        r"efgh[i-z]*|opqr[s-z]*)\b)",
        _alphabet,
        "cCyYvVmMrRiIeEfFqQ",
    ),
    rule(
        "figure",
        r"\b([Ff])igs?\.\s?(?=\d)",
        lambda m: f"{m[1]}igure ",
        ".",
    ),
    rule(
        "small roman", r"(?<![\w'.-])(?:iii?|xx|viii?|iv)(?![\w'.-])", lambda m: spaced(m[0]), "ivx"
    ),
    rule("wifi", r"\b([Ww]i|[Hh]i|[Ll]o|[Ss]ci)-?([Ff]i)\b", lambda m: m[1] + m[2].lower(), "fF"),
    rule("key", rf"\b({'|'.join(_KEYS)})\s?(?:\+|-(?=[A-Z]))\s?(?=[A-Za-z0-9])", _key, "+-"),
    rule("ctrl", r"\b[Cc]trl\b", lambda m: "Control", "l"),
    rule("menu", r"(?<=[A-Za-z…]{2})\s?(?:>|→|»)\s?(?=[A-Z][a-z])", lambda m: ", ", ">→»"),
    rule("relation", r"(?<=[\w)])\s?([<>])\s?(?=[\d.(-])", _is_relation, "<>"),
    rule("ampersand", r"\b([A-Z]{1,3})&([A-Z]{1,3})\b", _ampersand, "&"),
    rule("inches", r"(?<![\w\"'])(\d+(?:\.\d+)?)\"(?=[\s,.;)]|$)", _inches, '"'),
    rule(
        "algebra",
        r"(?<![\w.])(\d+(?:\.\d+)?)([a-z])(?=\s?[=+*/^)\u00d7]|\s[-–]\s\d|[-–]\d)",
        _times_of,
    ),
    rule(
        "listed times",
        r"^(\d{1,2})\s?[x×]\s(?=[a-z])(?![a-z]+er\b|more|as|the|less|a\b|per|in\b)",
        lambda m: f"{num.cardinal(m[1])} ",
    ),
    rule(
        "meridiem range",
        rf"({_CLOCK}\s?{_MERIDIEM})\s?[-–~]\s?(?=\d)",
        lambda m: f"{m[1]} to ",
    ),
    rule(
        "range to meridiem",
        rf"(?<![\d:.-])({_CLOCK})\s?[-–~]\s?(?={_CLOCK}\s?{_MERIDIEM})",
        lambda m: f"{m[1]} to ",
    ),
    rule("day range", rf"\b({_DAY})\.?\s?[-–~]\s?({_DAY})\b", _day_range, "-–~"),
    rule(
        "day name",
        rf"\b(Tues?|Thu(?:rs?)?|Wed|Fri)\b(?![.'-])|\b"
        rf"(Mon|Sat|Sun)(?=,? (?:\d|and (?:{_DAY})\b|(?:{_DAY})\b))",
        lambda m: _DAYS[m[1] or m[2]],
        "TWFMS",
    ),
    rule("month range", rf"\b({_MONTH})\.?\s?[-–~]\s?({_MONTH})\b", _month_range, "-–~"),
    rule(
        "zip",
        r"(?P<lead>\b[Zz][Ii][Pp](?: ?[Cc]ode)?(?: is|:)? "
        r")(?P<zip>\d{5})(?:-(?P<plus>\d{4}))?(?!\d)",
        _zip,
    ),
    rule(
        "state zip",
        rf",? (?P<state>{_STATE}),? (?P<zip>\d{{5}})(?:-(?P<plus>\d{{4}}))?(?!\d|,\d)",
        _state_zip,
    ),
    rule(
        "city state",
        rf"(?<=[a-z]), ({_STATE})(?=[,;)]|\.?\s*$)|(?<=\b[RDI]-)({_STATE})\b",
        lambda m: f", {_STATES[m[1]]}" if m[1] else _STATES[m[2]],
        "ACDFGHIKLMNOPRSTUVW",
    ),
    rule(
        "state name",
        rf"(?<=[,-])(\s?)({'|'.join(_STATE_NAMES)})\.(?=(\s*$)?)",
        lambda m: f"{m[1]}{_STATE_NAMES[m[2]]}{'.' if m[3] is not None else ''}",
        ".",
    ),
    rule("free phone", r"(?<![\w.])1[- ]?800[- ]\d{3}[- ]\d{3,4}(?![\w-])", _free_phone),
    rule(
        "labelled phone",
        r"(?P<label>\b(?:[Cc]all|[Tt]el|[Pp]hone|[Tt]ext|[Ff]ax|[Dd]ial|[Mm]obile|[Cc]ell|"
        r"WhatsApp|[Hh]otline)\b(?: us| me| him| her)?(?: on| at| is| number)?[.:]?\s)"
        r"(?P<number>\+?\d{2,5}(?:[ .-]\d{2,6}){1,5})(?![\d-]|[ .]\d)",
        _labelled_phone,
    ),
    rule("place", rf"\b({_PLACES})\.?\s(\d{{1,4}})-?([A-Za-z])\b(?!['.]\w)", _place),
    rule(
        "formula",
        r"(?<![\w-])(?=[A-Za-z]*\d)(?:[A-Z][a-z]?(?:[2-9]|[1-3]\d)?){1,8}(?![\w-])",
        _formula,
    ),
    rule(
        "slash per",
        rf"(?<=\d)(\s?[a-z]{{2,}})\s?/\s?({_PER})\b(?!/)",
        lambda m: f"{m[1]} per {PER.get(m[2], m[2])}",
        "/",
    ),
    rule(
        "page",
        r"\b([Pp])(p?)\.\s?(?=\d)",
        lambda m: f"{'P' if m[1] == 'P' else 'p'}age{'s' if m[2] else ''} ",
        ".",
    ),
    rule(
        "file extension",
        r"(?<![\w.])(\*?)\.(docx?|xlsx?|pptx?|pdf|txt|csv|jpe?g|png|gif|mp[34]|wav|zip|exe|py|js|"
        r"html?|css|json|xml|svg|md|log|bat|dll|iso|rar|tar|gz|com|org|net)\b",
        _extension,
        ".",
    ),
    rule("estimate", r"(?<=\d )est\.(?=[,;]|\s[a-z])", lambda m: "estimate", "."),
    rule(
        "over",
        r"\b(Y|Q|M|W)o(Y|Q|M|W)\b",
        lambda m: " over ".join(
            {"Y": "year", "Q": "quarter", "M": "month", "W": "week"}[char] for char in (m[1], m[2])
        ),
        "o",
    ),
    rule(
        "clipped",
        r"\b(?:([Tt])h'(?=\s)|([Aa]n)'(?=\s[a-z]))",
        lambda m: f"{m[1]}he" if m[1] else f"{m[2]}d",
        "'",
    ),
)
