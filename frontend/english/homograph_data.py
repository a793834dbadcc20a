"""English words with two pronunciations: which there are and what speaks for each.

`VERB_NOUN` words change with the part of speech; `SENSES` words change with the meaning, told by
neighbouring words.
"""

from dataclasses import dataclass
from typing import Final

from frontend.wordlist import words

#: word -> (as a verb, as a noun or adjective).
VERB_NOUN: Final[dict[str, tuple[str, str]]] = {
    "abuse": ("AH0 B Y UW1 Z", "AH0 B Y UW1 S"),
    "address": ("AH0 D R EH1 S", "AE1 D R EH2 S"),
    "advocate": ("AE1 D V AH0 K EY2 T", "AE1 D V AH0 K AH0 T"),
    "affiliate": ("AH0 F IH1 L IY0 EY2 T", "AH0 F IH1 L IY0 AH0 T"),
    "aggregate": ("AE1 G R AH0 G EY2 T", "AE1 G R AH0 G AH0 T"),
    "alternate": ("AO1 L T ER0 N EY2 T", "AO1 L T ER0 N AH0 T"),
    "animate": ("AE1 N AH0 M EY2 T", "AE1 N AH0 M AH0 T"),
    "appropriate": ("AH0 P R OW1 P R IY0 EY2 T", "AH0 P R OW1 P R IY0 AH0 T"),
    "approximate": ("AH0 P R AA1 K S AH0 M EY2 T", "AH0 P R AA1 K S AH0 M AH0 T"),
    "articulate": ("AA0 R T IH1 K Y AH0 L EY2 T", "AA0 R T IH1 K Y AH0 L AH0 T"),
    "associate": ("AH0 S OW1 S IY0 EY2 T", "AH0 S OW1 S IY0 AH0 T"),
    "attribute": ("AH0 T R IH1 B Y UW0 T", "AE1 T R AH0 B Y UW2 T"),
    "combine": ("K AH0 M B AY1 N", "K AA1 M B AY0 N"),
    "compact": ("K AH0 M P AE1 K T", "K AA1 M P AE0 K T"),
    "compound": ("K AH0 M P AW1 N D", "K AA1 M P AW0 N D"),
    "conduct": ("K AH0 N D AH1 K T", "K AA1 N D AH0 K T"),
    "conflict": ("K AH0 N F L IH1 K T", "K AA1 N F L IH0 K T"),
    "console": ("K AH0 N S OW1 L", "K AA1 N S OW0 L"),
    "construct": ("K AH0 N S T R AH1 K T", "K AA1 N S T R AH0 K T"),
    "contest": ("K AH0 N T EH1 S T", "K AA1 N T EH0 S T"),
    "contract": ("K AH0 N T R AE1 K T", "K AA1 N T R AE2 K T"),
    "contrast": ("K AH0 N T R AE1 S T", "K AA1 N T R AE0 S T"),
    "convert": ("K AH0 N V ER1 T", "K AA1 N V ER0 T"),
    "convict": ("K AH0 N V IH1 K T", "K AA1 N V IH0 K T"),
    "coordinate": ("K OW0 AO1 R D AH0 N EY2 T", "K OW0 AO1 R D AH0 N AH0 T"),
    "decrease": ("D IH0 K R IY1 S", "D IY1 K R IY2 S"),
    "defect": ("D IH0 F EH1 K T", "D IY1 F EH0 K T"),
    "delegate": ("D EH1 L AH0 G EY2 T", "D EH1 L AH0 G AH0 T"),
    "deliberate": ("D IH0 L IH1 B ER0 EY2 T", "D IH0 L IH1 B ER0 AH0 T"),
    "desert": ("D IH0 Z ER1 T", "D EH1 Z ER0 T"),
    "digest": ("D AY0 JH EH1 S T", "D AY1 JH EH0 S T"),
    "discount": ("D IH0 S K AW1 N T", "D IH1 S K AW0 N T"),
    "duplicate": ("D UW1 P L AH0 K EY2 T", "D UW1 P L AH0 K AH0 T"),
    "elaborate": ("IH0 L AE1 B ER0 EY2 T", "IH0 L AE1 B R AH0 T"),
    "escort": ("EH0 S K AO1 R T", "EH1 S K AO0 R T"),
    "estimate": ("EH1 S T AH0 M EY2 T", "EH1 S T AH0 M AH0 T"),
    "excuse": ("IH0 K S K Y UW1 Z", "IH0 K S K Y UW1 S"),
    "exploit": ("EH2 K S P L OY1 T", "EH1 K S P L OY2 T"),
    "export": ("IH0 K S P AO1 R T", "EH1 K S P AO0 R T"),
    "extract": ("IH0 K S T R AE1 K T", "EH1 K S T R AE2 K T"),
    "graduate": ("G R AE1 JH AH0 W EY2 T", "G R AE1 JH AH0 W AH0 T"),
    "house": ("HH AW1 Z", "HH AW1 S"),
    "impact": ("IH2 M P AE1 K T", "IH1 M P AE0 K T"),
    "import": ("IH2 M P AO1 R T", "IH1 M P AO2 R T"),
    "incense": ("IH2 N S EH1 N S", "IH1 N S EH2 N S"),
    "increase": ("IH2 N K R IY1 S", "IH1 N K R IY2 S"),
    "insert": ("IH2 N S ER1 T", "IH1 N S ER2 T"),
    "insult": ("IH2 N S AH1 L T", "IH1 N S AH2 L T"),
    "intimate": ("IH1 N T AH0 M EY2 T", "IH1 N T AH0 M AH0 T"),
    "moderate": ("M AA1 D ER0 EY2 T", "M AA1 D ER0 AH0 T"),
    "object": ("AH0 B JH EH1 K T", "AA1 B JH EH0 K T"),
    "perfect": ("P ER0 F EH1 K T", "P ER1 F IH2 K T"),
    "permit": ("P ER0 M IH1 T", "P ER1 M IH2 T"),
    "pervert": ("P ER0 V ER1 T", "P ER1 V ER0 T"),
    "predicate": ("P R EH1 D AH0 K EY2 T", "P R EH1 D IH0 K AH0 T"),
    "present": ("P R IY0 Z EH1 N T", "P R EH1 Z AH0 N T"),
    "produce": ("P R AH0 D UW1 S", "P R OW1 D UW0 S"),
    "progress": ("P R AH0 G R EH1 S", "P R AA1 G R EH2 S"),
    "project": ("P R AH0 JH EH1 K T", "P R AA1 JH EH0 K T"),
    "protest": ("P R AH0 T EH1 S T", "P R OW1 T EH2 S T"),
    "rebel": ("R IH0 B EH1 L", "R EH1 B AH0 L"),
    "recall": ("R IH0 K AO1 L", "R IY1 K AO2 L"),
    "record": ("R AH0 K AO1 R D", "R EH1 K ER0 D"),
    "refund": ("R IH0 F AH1 N D", "R IY1 F AH2 N D"),
    "refuse": ("R AH0 F Y UW1 Z", "R EH1 F Y UW2 Z"),
    "reject": ("R IH0 JH EH1 K T", "R IY1 JH EH0 K T"),
    "segment": ("S EH2 G M EH1 N T", "S EH1 G M AH0 N T"),
    "separate": ("S EH1 P ER0 EY2 T", "S EH1 P ER0 IH0 T"),
    "subject": ("S AH0 B JH EH1 K T", "S AH1 B JH IH0 K T"),
    "survey": ("S ER0 V EY1", "S ER1 V EY2"),
    "suspect": ("S AH0 S P EH1 K T", "S AH1 S P EH2 K T"),
    "torment": ("T AO0 R M EH1 N T", "T AO1 R M EH2 N T"),
    "transfer": ("T R AE0 N S F ER1", "T R AE1 N S F ER0"),
    "transport": ("T R AE0 N S P AO1 R T", "T R AE1 N S P AO0 R T"),
    "upset": ("AH0 P S EH1 T", "AH0 P S EH1 T"),
    "use": ("Y UW1 Z", "Y UW1 S"),
    "lives": ("L IH1 V Z", "L AY1 V Z"),
    "bow": ("B AW1", "B OW1"),
    "wind": ("W AY1 N D", "W IH1 N D"),
    "tear": ("T EH1 R", "T IH1 R"),
    "lead": ("L IY1 D", "L IY1 D"),
    "close": ("K L OW1 Z", "K L OW1 S"),
    "wound": ("W AW1 N D", "W UW1 N D"),
    "dove": ("D OW1 V", "D AH1 V"),
    "sow": ("S OW1", "S AW1"),
    "invalid": ("IH2 N V AE1 L AH0 D", "IH2 N V AE1 L AH0 D"),
}
#: Nearly always verbs unless the evidence for a noun is plain.
MOSTLY_VERBS: Final = frozenset(
    words(
        "use close produce refuse conduct permit reject refund recall convert combine extract "
        "insert exploit construct present elaborate"
    )
)
#: Past forms: what speaks for a verb is a subject before them, not "to" or "will".
PAST_VERBS: Final = frozenset({"wound", "dove"})


@dataclass(frozen=True, slots=True)
class Sense:
    """A pronunciation chosen by meaning.

    Attributes:
        phonemes: of this sense.
        near: words within six words on either side that speak for it.
        before: words directly before it.
        after: words directly after it.
    """

    phonemes: str
    near: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: word -> (default phonemes, senses that override it when their words are found).
SENSES: Final[dict[str, tuple[str, tuple[Sense, ...]]]] = {
    "bass": (
        "B EY1 S",
        (
            Sense(
                "B AE1 S",
                _words(
                    "fish fishing caught catch lake river grilled sea striped largemouth pond cook "
                    "boat anglers menu fried fillet hook bait trout"
                ),
                _words("sea striped largemouth smallmouth black"),
            ),
        ),
    ),
    "lead": (
        "",
        (
            Sense(
                "L EH1 D",
                _words(
                    "pipe pipes metal paint poisoning pencil toxic dust heavy gasoline bullet "
                    "bullets copper zinc tin mercury iron roof weigh molten solder contains"
                ),
                _words("molten contain contains of"),
                _words("pipe pipes paint poisoning pencil pencils bullets weight acid balloon"),
            ),
        ),
    ),
    "row": ("R OW1", ()),
    "bow": (
        "",
        (
            Sense(
                "B OW1",
                _words("arrow arrows hair ribbon tie tied violin cello string rainbow knot shot"),
                _words("cross"),
                _words("tie"),
            ),
            Sense(
                "B AW1",
                _words("ship boat stern deck queen king actors audience stage curtain head knees"),
                _words("take took takes a_final"),
                _words("down before"),
            ),
        ),
    ),
    "minute": (
        "M IH1 N AH0 T",
        (
            Sense(
                "M AY0 N UW1 T",
                before=_words("in with most very tiny such so"),
                after=_words(
                    "detail details traces amounts amount quantities particles differences "
                    "changes fraction fractions particle quantity"
                ),
            ),
        ),
    ),
    "content": (
        "K AA1 N T EH0 N T",
        (
            Sense(
                "K AH0 N T EH1 N T",
                before=_words(
                    "am is are was were be been seem seems seemed feel feels felt quite perfectly "
                    "very not stay look looks looked being becoming grew"
                ),
                after=_words("with to just simply enough"),
            ),
        ),
    ),
    "wind": (
        "",
        (
            Sense("W AY1 N D", after=_words("up down")),
            Sense(
                "W IH1 N D",
                _words("rain blew blows blowing north south east west storm cold strong speed"),
                after=_words("farm power turbine turbines speed chill tunnel instruments energy"),
            ),
        ),
    ),
    "tear": (
        "",
        (
            Sense("T EH1 R", after=_words("down apart up off out")),
            Sense(
                "T IH1 R",
                _words("eye eyes cheek cheeks face wept cry crying sad joy"),
                after=_words("gas drop drops duct ducts"),
            ),
        ),
    ),
    "tears": (
        "T IH1 R Z",
        (Sense("T EH1 R Z", after=_words("down apart up off it the"), before=_words("he she it")),),
    ),
    "does": ("D AH1 Z", (Sense("D OW1 Z", _words("fawns fawn stags bucks deer antlers")),)),
    "sewer": ("S UW1 ER0", ()),
    "polish": (
        "P AA1 L IH0 SH",
        (),
    ),
    "august": ("AO1 G AH0 S T", ()),
    "resume": (
        "R IH0 Z UW1 M",
        (
            Sense(
                "R EH1 Z AH0 M EY2",
                before=_words("a my your his her their our the updated"),
                near=_words("job send sent apply application cover letter skills hire"),
            ),
        ),
    ),
    "moped": ("M OW1 P EH2 D", (Sense("M OW1 P T", before=_words("he she they i we")),)),
    "putting": ("P UH1 T IH0 NG", (Sense("P AH1 T IH0 NG", _words("golf hole green putter")),)),
    "learned": (
        "L ER1 N D",
        (Sense("L ER1 N AH0 D", after=_words("scholar professor man men friend judge")),),
    ),
    "blessed": (
        "B L EH1 S T",
        (
            Sense(
                "B L EH1 S AH0 D",
                before=_words("the a"),
                after=_words("virgin mother day event relief"),
            ),
        ),
    ),
    "aged": (
        "EY1 JH D",
        (
            Sense(
                "EY1 JH AH0 D",
                before=_words("the an"),
                after=_words("man woman parents father mother"),
            ),
        ),
    ),
    "number": ("N AH1 M B ER0", (Sense("N AH1 M ER0", after=_words("than")),)),
}

#: After these "read" is the past form or participle.
PAST_TIME: Final = _words(
    "yesterday ago last earlier once already before previously recently twice was were had "
    "when then finally"
)
#: Adverbial and adjective uses of "live" said with a long vowel.
LIVE_LONG_BEFORE: Final = _words(
    "broadcast broadcasts streamed streaming stream perform performed performing go going went "
    "goes aired reporting watch watched recorded played playing play is are was be here a the "
    "see seen saw hear heard with of came coming on"
)
LIVE_LONG_AFTER: Final = _words(
    "music show shows concert concerts event events band bands performance performances stream "
    "streams broadcast audience coverage tv television wire wires animal animals chickens bait "
    "ammunition action updates version album recording recordings theater demo chat report on"
)
