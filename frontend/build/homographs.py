"""Train and store the classifier of English homographs: `data/homographs.txt` and `.bin.gz`.

    python -m frontend.build.homographs TRAIN.tsv TAGGED.tsv [--write]
    python -m frontend.build.homographs --lexicon EN_LEXICON.txt

TRAIN.tsv is the training part of the Wikipedia Homograph Data (Apache-2.0): word, reading,
pronunciation in IPA, sentence, start and end. TAGGED.tsv has a tagged sentence a line, `word/TAG`
apart by tabs, with Penn Treebank tags, from any tagger (ours: spaCy's en_core_web_sm 3.8, MIT, over
TRAIN.tsv and the English texts); a tagger of our own is distilled from it. A tenth of TRAIN.tsv, by
a hash of the sentence, is held out of both; its accuracy is printed, and with --write everything is
trained on and stored. EN_LEXICON.txt is the lexicon of Brill's tagger (MIT licence), from which
`data/en_tags.txt.gz` is made.
"""

import argparse
import gzip
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from frontend.english import homograph_model
from frontend.english import tagger as en_tagger
from frontend.english.homograph_data import VERB_NOUN
from frontend.english.homograph_sayings import SAYINGS
from frontend.english.homographs import sure_reading
from frontend.english.ipa import ipa_to_arpabet
from frontend.normalize import normalize

_DATA = Path(__file__).parents[1] / "data"
_EPOCHS, _RATE, _START, _RUNS = 5, 0.1, 1e-2, 5
_TAGGER_EPOCHS, _TAGGER_RATE = 3, 0.15
#: Penn Treebank tags to the classes of `en_tagger.CLASSES`.
_CLASSES: Final = {
    **{"NN": "n", "NNS": "s", "NNP": "p", "NNPS": "p", "VB": "v", "VBP": "v", "VBD": "d"},
    **{"VBN": "e", "VBG": "g", "VBZ": "z", "JJ": "a", "JJR": "a", "JJS": "a", "RB": "r"},
    **{"RBR": "r", "RBS": "r", "RP": "r", "DT": "D", "PDT": "D", "PRP$": "D", "IN": "I"},
    **{"PRP": "P", "EX": "P", "MD": "M", "TO": "T", "CC": "C", "CD": "#", "WDT": "W", "WP": "W"},
    **{"WP$": "W", "WRB": "W"},
}
#: The lexicon also tells these from D, r and P.
_LEXICON_CLASSES: Final = {**_CLASSES, "PRP$": "O", "EX": "E", "RP": "R", "UH": "U"}
_IN_S: Final = frozenset(
    ["abuses", "uses", "lives", "winds", "diagnoses", "analyses", "confines", "axes"]
)
_MEANINGS: Final = frozenset(
    ["wound", "dove", "learned", "blessed", "nestle", "buffet", "lead", "affect"]
)


@dataclass(frozen=True, slots=True)
class Example:
    """One marked word: its reading, the words of its sentence with commas, and its index."""

    word: str
    reading: str
    words: tuple[str, ...]
    index: int


def _tokens(sentence: str) -> list[str]:
    from frontend.pipeline import tokenize

    return [
        token.text for token in tokenize(normalize(sentence, "en")) if token.kind in {"en", "mark"}
    ]


def _clause(tokens: list[str], index: int) -> tuple[tuple[str, ...], int]:
    """The stretch between strong marks around a token, and the token's index in it."""
    first, last = index, index + 1
    while first and tokens[first - 1] not in homograph_model.ENDS:
        first -= 1
    while last < len(tokens) and tokens[last] not in homograph_model.ENDS:
        last += 1
    return tuple(tokens[first:last]), index - first


def read_examples(path: Path) -> tuple[list[Example], dict[tuple[str, str], str]]:
    """Read the rows whose word is found again after normalisation, and the IPA of each reading."""
    examples: list[Example] = []
    ipa: dict[tuple[str, str], str] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        word, reading, said, sentence, start, _ = line.split("\t")
        ipa[word, reading] = said
        pattern = rf"(?i)(?<![A-Za-z]){word}(?![A-Za-z])"
        number = len(re.findall(pattern, sentence[: int(start)]))
        tokens = _tokens(sentence)
        places = [
            at
            for at, token in enumerate(tokens)
            if token.lower() in {word, f"{word}'s", f"{word}'"}
        ]
        if number < len(places):
            words, index = _clause(tokens, places[number])
            examples.append(Example(word, reading, words, index))
    return examples, ipa


def is_held_out(words: tuple[str, ...]) -> bool:
    """Whether a sentence belongs to the tenth that the figure is measured on."""
    return zlib.crc32(" ".join(words).encode()) % 10 == 0


# ---------------------------------------------------------------- the tagger
def read_tagged(path: Path) -> list[tuple[list[str], list[int]]]:
    """Read tagged sentences as words and numbers of their classes."""
    sentences: list[tuple[list[str], list[int]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        pairs = [cell.rpartition("/") for cell in line.split("\t")]
        classes = [en_tagger.CLASSES.index(_CLASSES.get(tag, "x")) for _, _, tag in pairs]
        sentences.append(([word for word, _, _ in pairs], classes))
    return sentences


def train_tagger(sentences: list[tuple[list[str], list[int]]]) -> Any:
    """Fit the tagger with Adagrad; return float32 (NUM_BUCKETS, classes)."""
    inputs: list[list[int]] = []
    targets: list[int] = []
    for words, classes in sentences:
        inputs += [en_tagger.tag_buckets(words, index) for index in range(len(words))]
        targets += classes
    rows = np.array(inputs, np.int32)
    weights = np.zeros((en_tagger.NUM_BUCKETS, len(en_tagger.CLASSES)), np.float32)
    square = np.full(en_tagger.NUM_BUCKETS, 0.1, np.float32)
    generator = np.random.default_rng(0)
    for epoch in range(_TAGGER_EPOCHS):
        rate = _TAGGER_RATE * (1 - epoch / _TAGGER_EPOCHS) + 0.02
        for number in generator.permutation(len(rows)):
            row = rows[number]
            totals = weights[row].sum(0)
            slope = np.exp(totals - totals.max())
            slope /= slope.sum()
            slope[targets[number]] -= 1
            if abs(slope[targets[number]]) < 0.02:
                continue
            square[row] += float(slope @ slope)
            weights[row] -= (rate / np.sqrt(square[row]))[:, None] * slope
    return weights


# ---------------------------------------------------------------- the classifier
def shared_owner(word: str, reading: str, readings: set[str]) -> str:
    """Name of the weights that a reading shares with those of its part of speech; "" for none."""
    kinds = {name[len(word) + 1 :] for name in readings}
    kind = reading[len(word) + 1 :]
    if len(readings) < 2 or word in _MEANINGS:
        return ""
    lead = "S" if word in _IN_S else ""
    if kind == "vrb" or (not kind and "nou" in kinds):
        return f"{lead}V"
    if kind in {"nou", "adj-nou"} or (not kind and "vrb" in kinds):
        return f"{lead}N"
    return "A" if kind == "adj" and "vrb" in kinds else ""


def owners_of(examples: list[Example]) -> dict[str, list[tuple[str, ...]]]:
    """Word to the owners of weights of each of its readings, sorted by reading."""
    names: dict[str, set[str]] = defaultdict(set)
    for item in examples:
        names[item.word].add(item.reading)
    table: dict[str, list[tuple[str, ...]]] = {}
    for word, readings in names.items():
        pairs = [(name, shared_owner(word, name, readings)) for name in sorted(readings)]
        table[word] = [tuple(part for part in pair if part) for pair in pairs]
    return table


def _rows(item: Example, owners: list[tuple[str, ...]], tagger: Any) -> list[Any]:
    names = homograph_model.features(item.words, item.index, tagger)
    return [np.array(homograph_model.bucket_rows(pair, names)).ravel() for pair in owners]


def train(inputs: list[tuple[list[Any], int]]) -> Any:
    """Fit the weights: the mean of several runs with Adagrad in different orders.

    Args:
        inputs: rows of buckets for each reading, and the number of the right one.

    Returns:
        float32 (NUM_BUCKETS,).
    """
    runs = [_train_once(inputs, seed) for seed in range(_RUNS)]
    return sum(runs[1:], runs[0]) / _RUNS


def _train_once(inputs: list[tuple[list[Any], int]], seed: int) -> Any:
    weights = np.zeros(homograph_model.NUM_BUCKETS, np.float32)
    square = np.full(homograph_model.NUM_BUCKETS, _START, np.float32)
    generator = np.random.default_rng(seed)
    for epoch in range(_EPOCHS):
        rate = _RATE * (1 - epoch / _EPOCHS)
        for number in generator.permutation(len(inputs)):
            rows, right = inputs[number]
            if len(rows) < 2:
                continue
            totals = np.array([weights[row].sum() for row in rows])
            slope = np.exp(totals - totals.max())
            slope /= slope.sum()
            slope[right] -= 1
            for row, step in zip(rows, slope, strict=True):
                square[row] += step * step
                weights[row] -= rate * step / np.sqrt(square[row])
    return weights


def accuracy(
    weights: Any, inputs: list[tuple[list[Any], int]], words: list[str]
) -> tuple[float, float]:
    """Micro accuracy, and its mean over words."""
    right: Counter[str] = Counter()
    for (rows, target), word in zip(inputs, words, strict=True):
        right[word] += int(np.argmax([weights[row].sum() for row in rows])) == target
    total = Counter(words)
    return right.total() / len(words), float(np.mean([right[word] / total[word] for word in total]))


def by_rule(item: Example) -> str:
    """What the hand rules of `homographs.py` say before the classifier is asked; "" for nothing."""
    kept = [at for at, word in enumerate(item.words) if word[-1].isalpha()]
    if item.index not in kept:
        return ""
    lower = [item.words[at].lower() for at in kept]
    return sure_reading(lower, kept.index(item.index))


# ---------------------------------------------------------------- pronunciations
def saying(word: str, reading: str, readings: list[str], ipa: str) -> str:
    """ARPAbet of a reading: by hand, from the table of pairs, else from its IPA."""
    if reading in SAYINGS:
        return SAYINGS[reading]
    kind = shared_owner(word, reading, set(readings))[-1:] or reading.rpartition("_")[2]
    if word in VERB_NOUN and kind in {"V", "N", "A", "nou", "adj-nou", "adj"}:
        return VERB_NOUN[word][0 if kind == "V" else 1]
    return " ".join(ipa_to_arpabet(re.sub("[0-9]", "", ipa)))


def store(
    weights: Any,
    tagger: Any,
    table: dict[str, list[tuple[str, ...]]],
    ipa: dict[tuple[str, str], str],
) -> None:
    """Write `data/homographs.txt` and `.bin.gz`, the weights as 8-bit integers."""
    lines: list[str] = []
    for word, owners in sorted(table.items()):
        names = [pair[0] for pair in owners]
        entries = (
            ":".join(
                (*pair[:1], *(pair[1:] or ("",)), saying(word, pair[0], names, ipa[word, pair[0]]))
            )
            for pair in owners
        )
        lines.append("|".join([word, *entries]))
    (_DATA / "homographs.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
    scale = float(np.abs(weights).max()) / 127
    data = np.round(weights / scale).astype(np.int8).tobytes()
    (_DATA / "homographs.bin.gz").write_bytes(gzip.compress(eight_bit(tagger) + data, 9, mtime=0))


def eight_bit(tagger: Any) -> bytes:
    """The tagger's weights as they are stored; the classifier learns from what these say."""
    scale = float(np.abs(tagger).max()) / 127
    return np.round(tagger / scale).astype(np.int8).tobytes()


def as_rows(tagger: Any) -> Sequence[int]:
    """The tagger's weights as `en_tagger.load_weights` gives them."""
    return memoryview(eight_bit(tagger)).cast("b")


def store_lexicon(path: Path) -> int:
    """Write `data/en_tags.txt.gz`: the words whose class their ending does not tell."""
    classes: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *tags = line.split()[:2] or [""]
        kind = _LEXICON_CLASSES.get(tags[0], "") if tags else ""
        if (
            kind
            and re.fullmatch(r"[a-z]+(?:'[a-z]+)?", word)
            and en_tagger.guess_class(word) != kind
        ):
            classes[word] = kind
    by_kind: dict[str, list[str]] = defaultdict(list)
    for word, kind in classes.items():
        by_kind[kind].append(word)
    text = "\n".join(f"{kind} {' '.join(sorted(words))}" for kind, words in sorted(by_kind.items()))
    (_DATA / "en_tags.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return len(classes)


def main(argv: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path, nargs="?")
    parser.add_argument("tagged", type=Path, nargs="?")
    parser.add_argument("--lexicon", type=Path)
    parser.add_argument("--write", action="store_true", help="train on everything and store")
    options = parser.parse_args(argv)
    if options.lexicon:
        print(store_lexicon(options.lexicon), "words")
    if not (options.train and options.tagged):
        return
    examples, ipa = read_examples(options.train)
    table = owners_of(examples)
    tagged = [pair for pair in read_tagged(options.tagged) if not is_held_out(tuple(pair[0]))]
    # Each half is tagged by a tagger that has not seen it, as new text is.
    halves = [as_rows(train_tagger(tagged[start::2])) for start in (0, 1)]
    seen = [{tuple(words) for words, _ in tagged[start::2]} for start in (0, 1)]
    whole = train_tagger(tagged)
    rows = as_rows(whole)
    inputs: list[tuple[list[Any], int]] = []
    for item in examples:
        own = halves[1] if item.words in seen[0] else halves[0] if item.words in seen[1] else rows
        names = [pair[0] for pair in table[item.word]]
        inputs.append((_rows(item, table[item.word], own), names.index(item.reading)))
    known = [number for number, item in enumerate(examples) if not is_held_out(item.words)]
    hidden = [number for number, item in enumerate(examples) if is_held_out(item.words)]
    weights = train([inputs[number] for number in known])
    words = [examples[number].word for number in hidden]
    micro, macro = accuracy(weights, [inputs[number] for number in hidden], words)
    print(f"held-out tenth: {len(hidden)} rows, micro {micro:.4f}, mean over words {macro:.4f}")
    right = 0
    for number in hidden:
        item, (rows_of, target) = examples[number], inputs[number]
        names = [pair[0] for pair in table[item.word]]
        said = [saying(item.word, name, names, ipa[item.word, name]) for name in names]
        best = int(np.argmax([weights[row].sum() for row in rows_of]))
        right += (by_rule(item) or said[best]) == said[target]
    print(f"with the hand rules: micro {right / len(hidden):.4f}")
    if options.write:
        store(train(inputs), whole, table, ipa)


if __name__ == "__main__":
    main()
