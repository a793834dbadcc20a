"""English words to ARPAbet: dictionary, everyday corrections, neural fallback."""

import gzip
import re
import unicodedata
from functools import lru_cache
from operator import methodcaller
from pathlib import Path

from frontend.english.homographs import choose, is_homograph
from frontend.english.oov import predict_phonemes
from frontend.types import Word
from frontend.wordlist import words

_DICTIONARY = Path(__file__).parents[1] / "data" / "cmudict.txt.gz"

#: Where the dictionary's first entry is not how Americans say the word in a sentence.
_EVERYDAY = {
    "a": "AH0",
    "our": "AW1 R",
    "was": "W AH1 Z",
    "because": "B IH0 K AH1 Z",
}
#: Words that came after the dictionary.
_MODERN = {
    "covid": "K OW1 V IH0 D", "tiktok": "T IH1 K T AA2 K", "emoji": "IH0 M OW1 JH IY0",
    "emojis": "IH0 M OW1 JH IY0 Z", "chatbot": "CH AE1 T B AA2 T", "vlog": "V L AO1 G",
    "wechat": "W IY1 CH AE2 T", "weibo": "W EY1 B OW2", "huawei": "W AA1 W EY2",
    "xiaomi": "SH AW1 M IY2", "taobao": "T AW1 B AW2", "alibaba": "AA2 L IY0 B AA1 B AA0",
    "baidu": "B AY1 D UW2", "tencent": "T EH1 N S EH2 N T", "openai": "OW1 P AH0 N EY1 AY1",
    "json": "JH EY1 S AH0 N", "jpeg": "JH EY1 P EH2 G", "gif": "G IH1 F",
    "pytorch": "P AY1 T AO2 R CH", "async": "EY1 S IH2 NG K", "pinyin": "P IH1 N Y IH2 N",
    "zelensky": "Z AH0 L EH1 N S K IY0", "hangzhou": "HH AA1 NG JH OW1", "miz": "M IH1 Z",
    "kilohertz": "K IH1 L AH0 HH ER2 T S", "megapixel": "M EH1 G AH0 P IH2 K S AH0 L",
    "tokenizer": "T OW1 K AH0 N AY2 Z ER0", "ramen": "R AA1 M AH0 N",
    "coronavirus": "K ER0 OW1 N AH0 V AY2 R AH0 S", "autocorrect": "AO1 T OW0 K ER0 EH2 K T",
    "cybersecurity": "S AY1 B ER0 S AH0 K Y UH2 R AH0 T IY0", "ai": "EY1 AY1",
    "cetera": "S EH1 T ER0 AH0", "readme": "R IY1 D M IY1", "wifi": "W AY1 F AY2",
    "hifi": "HH AY1 F AY2", "lofi": "L OW1 F AY2", "scifi": "S AY1 F AY2",
    "ctrl": "K AH0 N T R OW1 L",
    "croissant": "K R AH0 S AA1 N T", "croissants": "K R AH0 S AA1 N T S",
    "saoirse": "S ER1 SH AH0", "chalamet": "SH AE1 L AH0 M EY2", "nguyen": "W IH1 N",
    "joaquin": "W AA0 K IY1 N", "ngozi": "NG G OW1 Z IY0", "mbappe": "EH0 M B AA0 P EY1",
    "siobhan": "SH AH0 V AO1 N", "niamh": "N IY1 V", "aoife": "IY1 F AH0",
    "sinead": "SH IH0 N EY1 D",
    "zhang": "JH AA1 NG", "zhao": "JH AW1", "zhou": "JH OW1", "xu": "SH UW1", "qin": "CH IH1 N",
    "antetokounmpo": "AA2 N T EH0 T OW0 K UW1 M P OW0", "giannis": "Y AA1 N IH0 S",
    "de": "D AH0", "idk": "AY1 D IY1 K EY1", "omg": "OW1 EH1 M JH IY1", "lol": "EH1 L OW1 EH1 L",
    "unicode": "Y UW1 N AH0 K OW2 D", "hertz": "HH ER1 T S", "hashtag": "HH AE1 SH T AE2 G",
}  # fmt: skip
#: Words that their accents keep apart from plain twins or from the dictionary's guess.
_ACCENTED = {
    "résumé": "R EH1 Z AH0 M EY2", "résumés": "R EH1 Z AH0 M EY2 Z", "naïve": "N AA0 IY1 V",
    "naïveté": "N AA0 IY2 V T EY1", "rosé": "R OW0 Z EY1", "exposé": "EH2 K S P OW0 Z EY1",
    "pâté": "P AA0 T EY1", "saké": "S AA1 K EY0", "maté": "M AA1 T EY0", "lamé": "L AA0 M EY1",
    "touché": "T UW0 SH EY1", "crème": "K R EH1 M", "brûlée": "B R UW0 L EY1",
    "hôtel": "OW0 T EH1 L",
    "crêpe": "K R EY1 P", "crêpes": "K R EY1 P S", "déjà": "D EY1 ZH AA0", "voilà": "V W AA0 L AA1",
    "à": "AA0", "über": "UW1 B ER0", "née": "N EY1", "né": "N EY1", "papier-mâché": "P EY1 P ER0",
    "mâché": "M AH0 SH EY1", "raison": "R EY0 Z OW1 N", "señor": "S EY0 N Y AO1 R",
    "señora": "S EY0 N Y AO1 R AH0", "niño": "N IY1 N Y OW0", "niña": "N IY1 N Y AH0",
    "piñata": "P IH0 N Y AA1 T AH0", "jalapeño": "HH AA2 L AH0 P EY1 N Y OW0", "año": "AA1 N Y OW0",
    "jalapeños": "HH AA2 L AH0 P EY1 N Y OW0 Z", "façade": "F AH0 S AA1 D",
    "soupçon": "S UW0 P S OW1 N",
    "garçon": "G AA0 R S OW1 N", "façades": "F AH0 S AA1 D Z", "zoë": "Z OW1 IY0",
    "chloë": "K L OW1 IY0",
    "noël": "N OW0 EH1 L", "citroën": "S IH1 T R OW0 EH0 N", "timothée": "T IH1 M AH0 TH IY0",
    "pokémon": "P OW1 K IY0 M AA2 N", "rené": "R AH0 N EY1", "renée": "R AH0 N EY1",
    "beyoncé": "B IY0 AA1 N S EY2", "andré": "AA1 N D R EY0", "josé": "HH OW0 Z EY1",
    "são": "S AW1", "málaga": "M AA1 L AH0 G AH0", "åland": "OW1 L AH0 N D",
    "décor": "D EY0 K AO1 R",
    "émigré": "EH1 M IH0 G R EY2", "protégé": "P R OW1 T AH0 ZH EY2", "cliché": "K L IY0 SH EY1",
    "clichés": "K L IY0 SH EY1 Z", "fiancé": "F IY2 AA0 N S EY1", "fiancée": "F IY2 AA0 N S EY1",
    "entrée": "AA1 N T R EY2", "soufflé": "S UW0 F L EY1", "sauté": "S AO0 T EY1",
    "consommé": "K AA1 N S AH0 M EY2",
    "risqué": "R IH0 S K EY1", "passé": "P AE0 S EY1", "blasé": "B L AA0 Z EY1",
    "communiqué": "K AH0 M Y UW2 N IH0 K EY1",
}  # fmt: skip
#: Beginnings of learned words, before a word of the dictionary.
_PREFIXES = {
    "meta": "M EH2 T AH0", "anti": "AE2 N T IY0", "micro": "M AY2 K R OW0", "hyper": "HH AY2 P ER0",
    "neuro": "N UH2 R OW0", "cardio": "K AA2 R D IY0 OW0", "bio": "B AY2 OW0", "geo": "JH IY2 OW0",
    "photo": "F OW2 T OW0", "electro": "IH0 L EH2 K T R OW0", "thermo": "TH ER2 M OW0",
    "immuno": "IH2 M Y UW0 N OW0", "psycho": "S AY2 K OW0", "multi": "M AH2 L T IY0",
    "inter": "IH2 N T ER0", "super": "S UW2 P ER0", "ultra": "AH2 L T R AH0",
    "pseudo": "S UW2 D OW0",
    "nano": "N AE2 N OW0", "tele": "T EH2 L AH0", "cyber": "S AY2 B ER0", "mega": "M EH2 G AH0",
    "poly": "P AA2 L IY0", "mono": "M AA2 N OW0", "semi": "S EH2 M IY0", "non": "N AA2 N",
    "post": "P OW2 S T", "pre": "P R IY2", "sub": "S AH2 B", "mis": "M IH2 S", "un": "AH2 N",
    "re": "R IY2", "counter": "K AW2 N T ER0", "auto": "AO2 T OW0",
    "hydro": "HH AY2 D R OW0",
    "gastro": "G AE2 S T R OW0", "macro": "M AE2 K R OW0", "para": "P EH2 R AH0",
    "trans": "T R AE2 N Z",
    "intra": "IH2 N T R AH0", "extra": "EH2 K S T R AH0", "endo": "EH2 N D OW0",
    "retro": "R EH2 T R OW0",
}  # fmt: skip
_LETTERS = {
    "a": "EY1", "b": "B IY1", "c": "S IY1", "d": "D IY1", "e": "IY1", "f": "EH1 F",
    "g": "JH IY1", "h": "EY1 CH", "i": "AY1", "j": "JH EY1", "k": "K EY1", "l": "EH1 L",
    "m": "EH1 M", "n": "EH1 N", "o": "OW1", "p": "P IY1", "q": "K Y UW1", "r": "AA1 R",
    "s": "EH1 S", "t": "T IY1", "u": "Y UW1", "v": "V IY1", "w": "D AH1 B AH0 L Y UW0",
    "x": "EH1 K S", "y": "W AY1", "z": "Z IY1",
}  # fmt: skip
_SIBILANTS = frozenset(["S", "Z", "SH", "ZH", "CH", "JH"])
_VOICELESS = frozenset(["P", "T", "K", "F", "TH"])
_VOWEL_INITIAL = re.compile(r"[AEIOU]")


@lru_cache(maxsize=1)
def dictionary() -> dict[str, str]:
    """The CMU dictionary: lower-case word to phonemes joined by spaces."""
    lines = gzip.decompress(_DICTIONARY.read_bytes()).decode("ascii").splitlines()
    entries = dict(map(methodcaller("split", " ", 1), lines))
    entries.update(_EVERYDAY)
    entries.update(_MODERN)
    return entries


@lru_cache(maxsize=1)
def _acronyms() -> frozenset[str]:
    return frozenset(
        words(
            "AM PM US IT AI TV PC CD DVD UK EU UN UFO FBI CIA IRS NBA NFL NHL MLB USA GPU CPU "
            "USB PDF HTML CSS URL API SQL XML HTTP HTTPS IP ID IQ EQ CEO CFO CTO COO HR PR "
            "IPO GDP ATM DNA RNA HIV MRI CT ER ICU BBC CNN NBC ABC CBS ESPN MTV PBS BMW IBM "
            "HP AMD VIP FAQ DIY ETA RSVP PS BC AD BCE CE MIT UCLA NYU LA NY DC SUV GPS LED "
            "LCD SMS MMS VPN TTS ASR LLM NLP OCR UI UX OS IOS SDK IDE AWS GCP CSV MP PHP KFC "
            "NGO NYC OK PhD MD DJ MC TA RA PE CV QA KPI ROI AC DC EV RV AV VR AR XR GM VP MVP "
            "JFK LGBT PTSD ADHD BMI OT DOB DOA EST PST CST EDT PDT GMT UTC ISO EPS ETF ROE "
            "GB MB KB TB AOB TBD TBA TBC NDA SOS USSR NHS NSA NIH OLED QLED SSD HDD "
            "DIY CCTV HVAC OBGYN MSG BLT OJ TP ID QR NFT IOU RIP POW MIA AKA SPF STD GOP "
            "idk omg tbh brb btw imo imho lmao smh fyi ttyl ikr ngl irl rofl wtf nvm"
        )
    )


def is_acronym(word: str) -> bool:
    """Say whether a word in capitals is known to be said letter by letter."""
    return word in _acronyms()


def is_common_word(word: str) -> bool:
    """Say whether a lower-case word is in the dictionary."""
    return word in dictionary()


def spell(letters: str) -> tuple[str, ...]:
    """Pronounce letters by their names; other characters are skipped."""
    return tuple(
        phoneme
        for char in letters.lower()
        if char in _LETTERS
        for phoneme in _LETTERS[char].split()
    )


def add_s(phonemes: tuple[str, ...]) -> tuple[str, ...]:
    """Append the plural or possessive ending that the last sound asks for."""
    if not phonemes:
        return phonemes
    last = phonemes[-1]
    if last in _SIBILANTS:
        return (*phonemes, "IH0", "Z")
    return (*phonemes, "S" if last in _VOICELESS else "Z")


def add_ed(phonemes: tuple[str, ...]) -> tuple[str, ...]:
    """Append the past ending that the last sound asks for."""
    last = phonemes[-1]
    if last in {"T", "D"}:
        return (*phonemes, "IH0", "D")
    return (*phonemes, "T" if last in _VOICELESS | {"S", "SH", "CH"} else "D")


#: Longer words are noise; only their beginning is guessed.
_LONGEST_WORD = 60
_CAMEL = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z\u00df-\u024f']+|[A-Z]")


_ENDINGS = {
    "s": "", "ed": "", "ing": "IH0 NG", "er": "ER0", "ers": "ER0 Z", "ly": "L IY0",
    "ness": "N AH0 S", "less": "L AH0 S", "able": "AH0 B AH0 L", "ful": "F AH0 L",
}  # fmt: skip


def _weaken(phoneme: str) -> str:
    """Second halves of compounds carry secondary stress."""
    return f"{phoneme[:-1]}2" if phoneme.endswith("1") else phoneme


def _regular_suffix(letters: str) -> tuple[str, ...]:
    """Pronounce an unknown word as a known one with a regular ending; empty when it is none."""
    entries = dictionary()
    for ending, sounds in _ENDINGS.items():
        stem = letters.removesuffix(ending)
        if len(stem) < 3 or stem == letters:
            continue
        known = next((form for form in (stem, f"{stem}e") if form in entries), "")
        if not known or (known != stem and ending in {"s", "ly", "ness", "less", "ful"}):
            continue
        phonemes = tuple(entries[known].split())
        if ending == "s":
            return add_s(phonemes)
        if ending == "ed":
            return add_ed(phonemes)
        return (*phonemes, *sounds.split())
    return ()


def _with_prefix(letters: str) -> tuple[str, ...]:
    """Pronounce an unknown word as a prefix and a known one of five letters or more, else ()."""
    entries = dictionary()
    for length in range(7, 1, -1):
        sounds, rest = _PREFIXES.get(letters[:length]), letters[length:]
        if sounds and len(rest) > 4 and rest in entries:
            return (*sounds.split(), *entries[rest].split())
    return ()


@lru_cache(maxsize=8192)
def _split_compound(letters: str) -> tuple[str, str] | None:
    """Cut an unknown word into two known ones of four letters or more, the most even cut."""
    if len(letters) > _LONGEST_WORD:
        return None
    entries = dictionary()
    cuts = sorted(range(4, len(letters) - 3), key=lambda cut: abs(2 * cut - len(letters)))
    for cut in cuts:
        if letters[:cut] in entries and letters[cut:] in entries:
            return letters[:cut], letters[cut:]
    return None


def _fold(word: str) -> str:
    """Lower-case and strip accents."""
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=65536)
def pronounce_word(word: str) -> tuple[tuple[str, ...], str]:
    """Pronounce one word out of context.

    Args:
        word: letters and apostrophes in their original case.

    Returns:
        ARPAbet symbols and the source ("dictionary", "derived", "spelled" or "neural").
    """
    entries = dictionary()
    if is_acronym(word):
        return spell(word), "spelled"
    if len(word) > 2 and word[-1] == "s" and is_acronym(word[:-1].removesuffix("'")):
        return add_s(spell(word[:-1])), "spelled"
    accented = unicodedata.normalize("NFC", word.lower())
    if accented in _ACCENTED:
        return tuple(_ACCENTED[accented].split()), "dictionary"
    if accented.endswith("'s") and accented[:-2] in _ACCENTED:
        return add_s(tuple(_ACCENTED[accented[:-2]].split())), "derived"
    key = _fold(word).replace("’", "'").strip("-")
    if key.endswith("in'") and f"{key[:-1]}g" in entries:
        # comin' is coming with another last sound.
        return (*entries[f"{key[:-1]}g"].split()[:-1], "N"), "derived"
    if key in entries:
        return tuple(entries[key].split()), "dictionary"
    if key.endswith(("'s", "s'")) and key[:-2]:
        stem = key[:-2] if key.endswith("'s") else key[:-1]
        phonemes, source = pronounce_word(stem)
        ending = add_s(phonemes) if key.endswith("'s") else phonemes
        return ending, "derived" if source == "dictionary" else source
    letters = "".join(char for char in key if "a" <= char <= "z")
    if letters in entries:
        return tuple(entries[letters].split()), "dictionary"
    parts = _CAMEL.findall(word)
    if len(parts) > 1 and not word.isupper():
        said = [pronounce_word(part)[0] for part in parts]
        return tuple(phoneme for part in said for phoneme in part), "derived"
    suffixed = _regular_suffix(letters)
    if suffixed:
        return suffixed, "derived"
    prefixed = _with_prefix(letters)
    if prefixed:
        return prefixed, "derived"
    compound = _split_compound(letters)
    if compound:
        said = [tuple(entries[part].split()) for part in compound]
        return said[0] + tuple(_weaken(phoneme) for phoneme in said[1]), "derived"
    if word.isupper() and len(letters) > 4 and re.search("[aeiouy]", letters):
        return predict_phonemes(letters[:_LONGEST_WORD]), "neural"
    if len(letters) > 1 and (word.isupper() or not re.search("[aeiouy]", letters)):
        return spell(letters), "spelled"
    return predict_phonemes(letters[:_LONGEST_WORD]), "neural"


def the_before(following: tuple[str, ...]) -> tuple[str, ...]:
    """Pronounce the article before phonemes: as "thee" before a vowel."""
    vowel = bool(following and _VOWEL_INITIAL.match(following[0]))
    return ("DH", "IY0") if vowel else ("DH", "AH0")


def _is_letter(words: tuple[str, ...], marks: tuple[str, ...], index: int) -> bool:
    """Whether an A stands for the letter rather than the article."""
    following = words[index + 1] if index + 1 < len(words) else ""
    if words[index] == "A":
        initial = len(following) == 1 and following.isupper() and following != "I"
        return index > 0 or initial or bool(marks[index])
    return bool(marks[index]) and (index + 1 < len(words) or index == 0)


def _in_context(
    words: tuple[str, ...], marks: tuple[str, ...], index: int
) -> tuple[tuple[str, ...], str]:
    """Pronounce `words[index]` with its neighbours in view."""
    word = words[index]
    lower = word.lower()
    if lower == "the" and index + 1 < len(words):
        return the_before(pronounce_word(words[index + 1])[0]), "dictionary"
    if lower == "a" and _is_letter(words, marks, index):
        return ("EY1",), "spelled"
    if is_homograph(lower) and not (word.isupper() and is_acronym(word)):
        return tuple(choose(words, marks, index).split()), "homograph"
    return pronounce_word(word)


def pronounce(words: tuple[str, ...], marks: tuple[str, ...] = ()) -> tuple[Word, ...]:
    """Pronounce a run of English words, a sentence or a piece of one.

    Args:
        words: in their original case, without punctuation.
        marks: the punctuation after each word, "" for none; left out means none at all.

    Returns:
        One `Word` each, in order.
    """
    marks = marks or ("",) * len(words)
    result: list[Word] = []
    for index, word in enumerate(words):
        phonemes, source = _in_context(words, marks, index)
        result.append(Word(word, "en", phonemes, source))
    return tuple(result)
