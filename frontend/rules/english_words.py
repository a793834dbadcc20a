"""English rules for words and signs: abbreviations, Roman numerals, signs, hyphens."""

import re
from typing import Final

from frontend.rules import numbers_en as num
from frontend.rules.core import Rule, rule
from frontend.rules.units_en import SIGNS
from frontend.split_data import LETTER_BEFORE, STARTERS
from frontend.wordlist import words

#: Abbreviations that are the same word everywhere; written with a full stop.
_TITLES: Final = {
    **{"Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor", "Rev": "Reverend"},
    **{"Hon": "Honorable", "Gen": "General", "Col": "Colonel", "Capt": "Captain"},
    **{"Lt": "Lieutenant", "Sgt": "Sergeant", "Sen": "Senator", "Rep": "Representative"},
    **{"Gov": "Governor", "Pres": "President", "Cmdr": "Commander", "Maj": "Major"},
    **{"Mt": "Mount", "Ft": "Fort"},
}
_ABBREVIATIONS: Final = {
    **{"vs": "versus", "etc": "et cetera", "approx": "approximately", "dept": "department"},
    **{"Dept": "Department", "est": "established", "Inc": "Incorporated", "Ltd": "Limited"},
    **{"Corp": "Corporation", "Co": "Company", "Jr": "Junior", "Sr": "Senior", "vol": "volume"},
    **{"Vol": "Volume", "fig": "figure", "Fig": "Figure", "Figs": "Figures", "ch": "chapter"},
    **{"Ch": "Chapter", "ed": "edition", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road"},
    **{
        "Hwy": "Highway",
        "Pkwy": "Parkway",
        "Apt": "Apartment",
        "apt": "apartment",
        "Ter": "Terrace",
        "appt": "appointment",
    },
    **{"govt": "government", "misc": "miscellaneous", "max": "maximum", "min": "minimum"},
    **{"temp": "temperature", "tel": "telephone", "Tel": "Telephone", "ext": "extension"},
    **{"pp": "pages", "assn": "association", "Assn": "Association", "Bros": "Brothers"},
    **{"Univ": "University", "Sec": "Section", "sec": "section", "Eq": "Equation"},
    **{"Jan": "January", "Feb": "February", "Aug": "August", "Sept": "September"},
    **{"Sep": "September", "Oct": "October", "Nov": "November", "Dec": "December"},
    **{"Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday"},
    **{"Thu": "Thursday", "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday"},
    **{"Vs": "Versus", "Etc": "Et cetera", "al": "al", "No": "Number", "no": "number"},
}
# These are words of their own, so their full stop alone does not make them abbreviations.
_ALSO_WORDS: Final = frozenset(words("al ed max min temp tel fig est sec Sec No no Mon ch Ch Co"))
_DOTTED: Final = {
    **{"e.g.": "for example", "i.e.": "that is", "a.k.a.": "also known as", "et al.": "et al"},
    **{"w/o": "without", "w/": "with ", "b/c": "because", "n/a": "not applicable"},
    **{"N/A": "not applicable", "c/o": "care of", "a.m.": "AM", "p.m.": "PM"},
    **{"A.M.": "AM", "P.M.": "PM", "Ph.D.": "PhD", "Ph.D": "PhD", "M.D.": "M D", "B.A.": "BA"},
    **{"B.C.": "BC", "A.D.": "AD", "D.C.": "DC", "aka": "also known as"},
    "ca.": "circa",
}

_REIGNS: Final = (
    "Henry|Louis|Charles|George|Edward|William|James|Richard|Elizabeth|Mary|Catherine|Pius|John|"
    "Paul|John Paul|Benedict|Leo|Gregory|Clement|Urban|Innocent|Alexander|Nicholas|Ivan|Peter|"
    "Philip|Philippe|Frederick|Wilhelm|Friedrich|Ferdinand|Napoleon|Ramesses|Ptolemy|Darius|"
    "Xerxes|Cyrus|Otto|Leopold|Albert|Juan Carlos|Felipe|Carlos|Alfonso|Umberto|Harald|Gustav|"
    "Christian|Margrethe|Malcolm|Robert|David|Boniface|Sixtus|Francis|Franz|Joseph|Victor|Haakon|"
    "Isabella|Anne|Stephen|Akbar|Murad|Selim|Mehmed|Baldwin|Canute|Harold|Edgar|Kenneth"
)
_PARTS: Final = (
    "Chapter|Part|Act|Scene|Volume|Book|Section|Article|Phase|Type|Class|Level|Stage|Grade|"
    "War|Bowl|Fantasy|Rocky|Apollo|Saturn|Title|Appendix|Figure|Table|Mark|Episode|Round|"
    "Division|Group|Category|Factor|Edition|Unit|Quest|Wars|Age|Generation|"
    "chapter|part|act|scene|volume|book|section|article|phase|type|class|level|stage|grade"
)
_ROMAN: Final = r"(?P<roman>(?=[IVXLC])(?:XL|XC|L?X{0,3})(?:IX|IV|V?I{0,3}))"
_FIRST_WORDS: Final = "|".join(
    sorted(word.capitalize() for word in STARTERS if word.isalpha() and word != "i")
)
#: A sentence begins or the text ends here; "A." before a name is an initial.
_SENTENCE_STOPS: Final = re.compile(
    rf"[\"')]*\s*$|\s+(?:{_FIRST_WORDS}|I|(?:It|That|There|He|She|We|You|They|I)'[a-z]+)\b(?!\.)"
)
_LETTER_STOPS: Final = re.compile(LETTER_BEFORE, re.IGNORECASE)
#: These never end a sentence.
_GO_ON: Final = frozenset(["e.g.", "i.e.", "a.k.a.", "ca."])
_DEGREES: Final = frozenset(["MA", "MD", "MS", "ME", "PA"])
_HOLY: Final = r"(?=[A-Z][a-z]|[A-Z]\.|[\ue000-\uf8ff])"


def _title(match: re.Match[str]) -> str:
    return _TITLES[match[1]]


def _abbreviation(match: re.Match[str]) -> str:
    word = match[1]
    # "King Jr. Day": a capital after these does not begin a sentence.
    at_end = match["end"] is not None and not (
        word in {"Jr", "Sr"} and match.end() < len(match.string)
    )
    if word in _ALSO_WORDS and (
        at_end or word not in {"fig", "est", "tel", "ch", "Ch", "Co", "Mon"}
    ):
        return match[0]
    return _ABBREVIATIONS[word] + ("." if at_end else "")


def _dotted(match: re.Match[str]) -> str:
    """A dotted abbreviation; its last full stop stays where it also ends the sentence."""
    ends = (
        match[0].endswith(".")
        and match[0] not in _GO_ON
        and match.start()
        and _SENTENCE_STOPS.match(match.string, match.end())
    )
    return _DOTTED[match[0]] + ("." if ends else "")


def _initial(match: re.Match[str]) -> str:
    """J. Smith, but "I got an A. Then" and "vitamin C. Oranges" end a sentence."""
    ends = _SENTENCE_STOPS.match(match.string, match.end()) or _LETTER_STOPS.search(
        match.string, max(0, match.start() - 24), match.start()
    )
    return f"{match[1]}. " if ends else f"{match[1]} "


def _initials(match: re.Match[str]) -> str:
    """U.S.A. is USA; the stop stays when it ends the sentence."""
    letters = match[0].replace(".", "").upper()
    if len(letters) == 2 and re.match(r"\s?[A-Z][a-z]", match.string[match.end() :]):
        letters = " ".join(letters) if letters not in {"US", "UK", "EU", "UN", "DC"} else letters
    if letters in _DEGREES and match.string[: match.start()].endswith(", "):
        # "Ann Lee, M.A." is no state.
        letters = " ".join(letters)
    stops = match["end"] is not None or _SENTENCE_STOPS.match(match.string, match.end())
    return letters + ("." if stops else "")


def _regnal(match: re.Match[str]) -> str:
    value = num.roman_value(match["roman"])
    if not value:
        # An empty numeral before a name: Mary Lee.
        return match[0]
    return f"{match['name']} the {num.ordinal(str(value))}"


#: After a lone I these keep it a number: Part I of the book; else it is the pronoun.
_AFTER_NUMERAL: Final = re.compile(
    r"\s*$|[,.;:!?)\"]|\s+(?:of|and|is|was|in|to|by|with|or|begins|covers|ends|deals|diabetes|errors?|"
    r"collagen|clinical|trials?|error|patients|survivors?|through|[A-Z\d(-])"
)


def _part_number(match: re.Match[str]) -> str:
    """Read a Roman numeral after its noun; an empty one (Type-C) or the pronoun I is none."""
    value = num.roman_value(match["roman"])
    pronoun = match["roman"] == "I" and not _AFTER_NUMERAL.match(match.string, match.end())
    if not value or pronoun:
        return match[0]
    return f"{match['name']} {num.cardinal(str(value))}"


def _sign(match: re.Match[str]) -> str:
    return f" {SIGNS[match[0]]} "


def _power(match: re.Match[str]) -> str:
    exponent = match[1]
    if exponent == "2":
        return " squared "
    if exponent == "3":
        return " cubed "
    sign = "minus " if exponent.startswith("-") else ""
    return f" to the power of {sign}{num.cardinal(exponent.lstrip('-'))} "


#: Before numbers are read: whatever decides how a number is meant.
EARLY_RULES: Final[tuple[Rule, ...]] = (
    rule("inches at the end", r"(?<=\d) in\.(?=\s*$)", lambda match: " inches.", needs="."),
    rule("power", r"(?<=[\w)])(?<!\dm)(?<!\d m)(?<!km)(?<!cm)\^\(?(-?\d+)\)?", _power, needs="^"),
    rule("c sharp", r"(?<!\w)([CF])#(?!\w)", lambda match: f"{match[1]} sharp", needs="#"),
    rule("c plus plus", r"(?<!\w)C\+\+", lambda match: "C plus plus", needs="+"),
    rule("letter plus", r"(?<=[A-Za-z])\+(?=\s|$|[,.!?])", lambda match: " plus ", needs="+"),
    rule(
        "minus operator", r"(?<=\d)\s+[-–]\s+(?=\d+(?:\.\d+)?\s*=)", lambda match: " minus ", "-–"
    ),
    rule("minus tight", r"(?<=\d)[-–](?=\d+(?:\.\d+)?\s*=)", lambda match: " minus ", "-–"),
    rule("divided", r"(?<=\d)\s*/\s*(?=\d+(?:\.\d+)?\s*=)", lambda match: " divided by ", "/"),
    rule("star times", r"(?<=\d)\s?\*\s?(?=\d)", lambda match: " times ", "*"),
    rule("letter times", r"(?<=\d)\s?[x×]\s?(?=\d+(?:\.\d+)?\s*=)", lambda match: " times ", "x×"),
    rule("regnal", rf"\b(?P<name>{_REIGNS}) {_ROMAN}\b(?!\.\w)", _regnal, needs="IVXLC"),
    rule("part number", rf"\b(?P<name>{_PARTS}) {_ROMAN}\b(?!['-])", _part_number, needs="IVXLC"),
)

#: After numbers: plain words.
WORD_RULES: Final[tuple[Rule, ...]] = (
    rule(
        "dotted",
        r"(?<![\w.])(?:"
        + "|".join(map(re.escape, sorted(_DOTTED, key=len, reverse=True)))
        + r")(?!\w)",
        _dotted,
        needs="",
    ),
    rule("title", rf"\b({'|'.join(_TITLES)})\.\s?(?=\S)", lambda m: _TITLES[m[1]] + " ", needs="."),
    rule("bare title", r"\b(Mr|Mrs|Ms)\b(?!\.)", _title, needs="M"),
    rule("doctor", rf"\bDr\.?\s?{_HOLY}", lambda match: "Doctor ", needs="D"),
    rule("drive", r"(?<=[a-z] )Dr\b\.?", lambda match: "Drive", needs="D"),
    rule("doctor alone", r"\bDr\.", lambda match: "Doctor", needs="D"),
    rule(
        "street before a sentence",
        rf"(?<=[a-z] )St\.(?=\s(?:{_FIRST_WORDS})\b)",
        lambda match: "Street.",
        needs="S",
    ),
    rule("saint", rf"\bSt\.?\s{_HOLY}", lambda match: "Saint ", needs="S"),
    rule("street at the end", r"(?<=\w )St\.(?=\s*$)", lambda match: "Street.", needs="S"),
    rule("street", r"(?<=\w )St\b\.?", lambda match: "Street", needs="S"),
    rule(
        "initials",
        r"\b(?:[A-Za-z]\.){2,}(?P<end>(?=\s*$)|(?=\s+[A-Z][a-z]+\s+[a-z]))?",
        _initials,
        needs=".",
    ),
    rule("initial", r"\b([A-Z])\.(?=\s?[A-Z])", _initial, needs="."),
    rule(
        "abbreviation",
        rf"\b({'|'.join(sorted(_ABBREVIATIONS, key=len, reverse=True))})\."
        r"(?P<end>(?=\s*$)|(?=\s+[A-Z]))?",
        _abbreviation,
        needs=".",
    ),
    rule(
        "money before its noun",
        r"\b(dollar|pound|euro)s(?= (?:bill|deal|plan|project|budget|package|question|loan|"
        r"check|note|"
        r"prize|gift|house|bonus|contract|investment|industry|lawsuit|grant|donation|fund)\b)",
        lambda match: match[1],
        needs="s",
    ),
    rule("bare vs", r"\b(?:vs|VS)\b", lambda match: "versus", needs="sS"),
    rule("bare etc", r"\betc\b", lambda match: "et cetera", needs="e"),
    rule("hashtag", r"(?<!\w)#(?=\w)", lambda match: "hashtag ", needs="#"),
    rule("mention", r"(?<!\w)@(?=\w)", lambda match: "at ", needs="@"),
    rule("about", r"~(?=\s?[a-z])", lambda match: "about ", needs="~"),
    rule("and or", r"\band/or\b", lambda match: "and or", needs="/"),
    rule("slash", r"(?<=\w)\s*/\s*(?=\w)", lambda match: " ", needs="/"),
    rule("sign", "[" + re.escape("".join(SIGNS)) + "]", _sign, needs="".join(SIGNS)),
    rule("camel", r"(?<=[a-z]{2})(?=[A-Z][a-z])", lambda match: " ", needs=""),
    rule("hyphen", r"(?<=\w)[-–_](?=\w)", lambda match: " ", needs="-–_"),
)
