"""Train and store the polyphone model: `data/polyphones.npz` and `data/zh_phrases.txt.gz`.

Also writes `data/third_tone_words.txt`, words for tone sandhi.

    python -m frontend.build.polyphones CPP.tsv G2PM_DIR PHRASES_DIR [--everyday FILE]
        [--more FILE] [--write] [--folds DIR]

CPP.tsv has the columns sentence, index, pinyin (CPP data set, Apache-2.0); G2PM_DIR is the
unpacked package g2pM (Apache-2.0), PHRASES_DIR the folder `phrase_pinyin_data` of the package
pypinyin-dict (MIT), of which the large phrase list is used. Prints the accuracy by 5-fold
cross-validation; with --write trains on everything and stores the model. With --folds the five
models of the cross-validation are kept as DIR/fold0.npz to fold4.npz, for
`python -m frontend.build.score_polyphones`.
"""

import argparse
import gzip
import pickle
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from frontend.mandarin import polyphone_features as features
from frontend.mandarin import polyphones as poly
from frontend.mandarin.hanzi import simplify
from frontend.mandarin.polyphone_net import NetWeights, score_readings

_NUM_FOLDS = 5
_EPOCHS = 12
_L2_SPARSE = 0.1
#: Marked everyday sentences are few beside CPP, and closer to what is read.
_EVERYDAY_WEIGHT = 4.0
_LINE = re.compile(r"'([^']+)': (\[\[.*\]\]),?\s*$")
_SOUND = re.compile(r"\['([^']*)'")
#: Characters that begin phrases rather than words; the rule between words treats them right.
_LOOSE = "小老很我你也有想请可好打给几两九五把某每且所以与只远更此"
_DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Example:
    """One marked character: candidates, their network scores, and the right one (-1: none)."""

    text: str
    index: int
    reading: str
    names: tuple[str, ...]
    log_probs: tuple[float, ...]
    dictionary: Any
    buckets: Any
    weight: float = 1.0


def read_examples(path: Path) -> list[tuple[str, int, str]]:
    """Read (sentence, index, reading) rows."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return [(text, int(index), reading) for text, index, reading in rows]


def load_g2pm(folder: Path) -> tuple[NetWeights, str, dict[str, int], dict[str, list[str]]]:
    """Read g2pM's pickles: weights, characters in row order, reading columns, candidates."""
    state = pickle.loads((folder / "np_ckpt.pkl").read_bytes())
    char_rows: dict[str, int] = pickle.loads((folder / "char2idx.pkl").read_bytes())
    columns: dict[str, int] = pickle.loads((folder / "class2idx.pkl").read_bytes())
    sounds: dict[str, list[str]] = pickle.loads((folder / "digest_cedict.pkl").read_bytes())
    chars = [char for char in char_rows if len(char) == 1 and char not in "시끝"]
    order = [char_rows["<UNK>"], char_rows["시"], char_rows["끝"], *(char_rows[c] for c in chars)]
    f16 = {name: value.astype(np.float16).astype(np.float32) for name, value in state.items()}
    net = NetWeights(
        f16["embedding.weight"][order],
        _lstm(f16, ""),
        _lstm(f16, "_reverse"),
        (f16["logit_layer.0.weight"], f16["logit_layer.0.bias"]),
        (f16["logit_layer.2.weight"], f16["logit_layer.2.bias"]),
    )
    names = {name.replace("u:", "v"): column for name, column in columns.items()}
    candidates = {
        char: list(dict.fromkeys(name.replace("u:", "v") for name in options))
        for char, options in sounds.items()
        if len(char) == 1
    }
    return net, "".join(chars), names, candidates


def _lstm(state: dict[str, Any], suffix: str) -> tuple[Any, Any, Any]:
    bias = state[f"lstm.bias_ih_l0{suffix}"] + state[f"lstm.bias_hh_l0{suffix}"]
    bias = bias.astype(np.float16).astype(np.float32)
    return state[f"lstm.weight_ih_l0{suffix}"], state[f"lstm.weight_hh_l0{suffix}"], bias


def large_phrases(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the phrases of the large list with their syllables."""
    for path in sorted(folder.glob("large_pinyin_*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = _LINE.search(line)
            if match is None or not 2 <= len(match[1]) <= features.MAX_PHRASE:
                continue
            sounds = [features.plain_syllable(sound) for sound in _SOUND.findall(match[2])]
            phrase = simplify(match[1])
            if len(sounds) == len(phrase):
                yield phrase, sounds


def read_phrases(folder: Path, polyphones: set[str]) -> dict[str, dict[int, str]]:
    """Collect phrases of the large list that say more than pypinyin's own dictionary."""
    phrases: dict[str, dict[int, str]] = {}
    for phrase, sounds in large_phrases(folder):
        marked = {i: s for i, s in enumerate(sounds) if phrase[i] in polyphones}
        known = features.pypinyin_phrase(phrase)
        if marked and (known is None or any(known[i] != s for i, s in marked.items())):
            phrases.setdefault(phrase, marked)
    return phrases


def store_third_tone_words(folder: Path) -> int:
    """Write the words of two characters, both in the third tone; return how many."""
    words = {
        phrase
        for phrase, sounds in large_phrases(folder)
        if len(phrase) == 2 and phrase[0] not in _LOOSE and sounds[0][-1] == sounds[1][-1] == "3"
    }
    (_DATA / "third_tone_words.txt").write_text("\n".join(sorted(words)) + "\n", encoding="utf-8")
    return len(words)


def make_examples(
    rows: list[tuple[str, int, str]],
    net: NetWeights,
    embedding_rows: dict[str, int],
    columns: dict[str, int],
    candidates: dict[str, list[str]],
    phrases: dict[str, dict[int, str]],
    weight: float = 1.0,
) -> list[Example]:
    """Compute everything about the examples that does not depend on the fold."""
    examples: list[Example] = []
    for raw, index, reading in rows:
        char, text = raw[index], poly.canonical(raw)
        names = tuple(candidates[char])
        if reading[-1] == "5" and reading not in names:
            # The light syllable of 头发 is that of fa4; a later stage makes it light.
            reading = next((name for name in names if name == f"{reading[:-1]}4"), reading)
        scores = score_readings(net, [embedding_rows.get(c, 0) for c in text], [index])[0]
        log_probs = poly.candidate_log_probs(scores, [columns.get(name, -1) for name in names])
        dictionary = poly.word_features(text, index, names, phrases.get)
        hashed = features.buckets(char, names, poly.feature_names(text, [index])[0])
        examples.append(
            Example(
                text,
                index,
                reading,
                names,
                tuple(log_probs),
                np.array(dictionary, np.float32),
                np.array(hashed),
                weight,
            )
        )
    return examples


def count_readings(examples: list[Example]) -> dict[str, Counter[str]]:
    """Count the readings of each character."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in examples:
        counts[item.text[item.index]][item.reading] += 1
    return counts


def log_priors(names: tuple[str, ...], counts: Counter[str], leave_out: str = "") -> list[float]:
    """Smoothed log prior of each candidate, without one occurrence of `leave_out`."""
    numbers = [counts[name] - (name == leave_out) + 0.3 for name in names]
    return [float(np.log(number / sum(numbers))) for number in numbers]


def _dense(item: Example, priors: list[float]) -> Any:
    log_probs = np.maximum(np.array(item.log_probs, np.float32), -15.0)
    front = np.stack([log_probs, np.array(priors, np.float32)], axis=1)
    return np.concatenate([front, item.dictionary], axis=1)


def train(examples: list[Example], seed: int = 0) -> tuple[Any, Any]:
    """Fit the linear scorer with Adagrad; return dense and sparse weights."""
    counts = count_readings(examples)
    usable = [item for item in examples if item.reading in item.names]
    dense_inputs = [
        _dense(item, log_priors(item.names, counts[item.text[item.index]], item.reading))
        for item in usable
    ]
    targets = [item.names.index(item.reading) for item in usable]
    dense = np.zeros(poly.NUM_DENSE, np.float32)
    dense[0] = 1.0
    sparse = np.zeros(features.NUM_BUCKETS, np.float32)
    dense_square = np.full_like(dense, 1e-6)
    sparse_square = np.full_like(sparse, 1e-2)
    generator = np.random.default_rng(seed)
    for epoch in range(_EPOCHS):
        rate = 1.0 - epoch / _EPOCHS
        for number in generator.permutation(len(usable)):
            item, inputs = usable[number], dense_inputs[number]
            totals = inputs @ dense + sparse[item.buckets].sum(axis=1)
            slope = np.exp(totals - totals.max())
            slope /= slope.sum()
            slope[targets[number]] -= 1.0
            slope *= item.weight
            dense_slope = slope @ inputs + 1e-4 * dense
            dense_square += dense_slope**2
            dense -= 0.05 * rate * dense_slope / np.sqrt(dense_square)
            # A few hashed features may coincide; the later one wins, which does no harm.
            sparse_slope = slope[:, None] + 2 * _L2_SPARSE * sparse[item.buckets]
            sparse_square[item.buckets] += sparse_slope**2
            step = 0.05 * rate * sparse_slope / np.sqrt(sparse_square[item.buckets])
            sparse[item.buckets] -= step
    return dense, sparse


def predict(item: Example, counts: dict[str, Counter[str]], dense: Any, sparse: Any) -> str:
    """Return the reading of one example, by the list of certain words or the scorer."""
    inputs = _dense(item, log_priors(item.names, counts.get(item.text[item.index], Counter())))
    totals = inputs @ dense + sparse[item.buckets].sum(axis=1)
    certain = poly.certain_reading(item.text, item.index)
    return certain or item.names[int(totals.argmax())]


def held_out_parts(count: int) -> list[list[int]]:
    """Cut the numbers 0 to count - 1 into the parts that the folds hold out."""
    order = np.random.default_rng(0).permutation(count)
    return [sorted(int(number) for number in order[fold::_NUM_FOLDS]) for fold in range(_NUM_FOLDS)]


def without_part(examples: list[Example], fold: int) -> list[Example]:
    """The examples that a fold may learn from."""
    hidden = set(held_out_parts(len(examples))[fold])
    return [item for number, item in enumerate(examples) if number not in hidden]


def cross_validate(
    examples: list[Example],
    everyday: list[Example],
    more: list[Example],
    keep: Callable[[int, list[Example], Any], None],
) -> None:
    """Print the accuracy by 5-fold cross-validation and the most frequent errors.

    Args:
        examples: all of CPP; its figure is printed.
        everyday: marked everyday sentences; a fold does not see its part of them.
        more: marked sentences that every fold learns from.
        keep: called with the number of the fold, its training examples and its weights.
    """
    right = 0
    errors: Counter[str] = Counter()
    for fold, held_out in enumerate(held_out_parts(len(examples))):
        hidden = set(held_out)
        known = [item for number, item in enumerate(examples) if number not in hidden]
        known += [*more, *without_part(everyday, fold)]
        # Candidates seen only in the held-out part must stay unknown.
        counts = count_readings(known)
        dense, sparse = train(known)
        keep(fold, known, (dense, sparse))
        for number in held_out:
            item = examples[number]
            said = predict(item, counts, dense, sparse)
            right += said == item.reading
            if said != item.reading:
                errors[f"{item.text[item.index]} {item.reading} as {said}"] += 1
        print(f"fold {fold}: {right} right so far", flush=True)
    print(f"accuracy {right / len(examples):.4f} ({len(examples) - right} wrong)")
    print("; ".join(f"{name} x{count}" for name, count in errors.most_common(25)))


@dataclass(frozen=True)
class Sources:
    """What the model takes over unchanged: g2pM's network and candidates."""

    net: NetWeights
    chars: str
    columns: dict[str, int]
    candidates: dict[str, list[str]]


def store_model(path: Path, examples: list[Example], weights: Any, sources: Sources) -> None:
    """Write a model.

    Args:
        path: the npz file.
        examples: what the weights were trained on; gives the priors.
        weights: dense and sparse, from `train`.
        sources: everything else.
    """
    dense, sparse = weights[0], weights[1].copy()
    sparse[np.abs(sparse) < 0.02] = 0.0
    counts = count_readings(examples)
    lines: list[str] = []
    for char, names in sorted(sources.candidates.items()):
        priors = log_priors(tuple(names), counts.get(char, Counter()))
        entries = zip(names, priors, strict=True)
        parts = (f"{name},{sources.columns.get(name, -1)},{prior:.3f}" for name, prior in entries)
        lines.append(" ".join([char, *parts]))
    net = sources.net
    half = {
        "embedding": net.embedding,
        "hidden_w": net.hidden[0], "hidden_b": net.hidden[1],
        "output_w": net.output[0], "output_b": net.output[1],
        "sparse": sparse,
    }  # fmt: skip
    for name, direction in (("forward", net.forward), ("backward", net.backward)):
        half.update({f"{name}_{part}": value for part, value in zip("xhb", direction, strict=True)})
    np.savez_compressed(
        path,
        allow_pickle=False,
        dense=dense,
        chars=np.array(sources.chars),
        candidates=np.array("\n".join(lines)),
        **{name: value.astype(np.float16) for name, value in half.items()},
    )


def store_phrases(phrases: dict[str, dict[int, str]]) -> None:
    """Write `data/zh_phrases.txt.gz`."""
    text = "\n".join(
        " ".join([phrase, *(f"{offset}{sound}" for offset, sound in marked.items())])
        for phrase, marked in sorted(phrases.items())
    )
    (_DATA / "zh_phrases.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def main(argv: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cpp", type=Path)
    parser.add_argument("g2pm", type=Path)
    parser.add_argument("phrases", type=Path)
    parser.add_argument("--everyday", type=Path, help="marked sentences, also cross-validated")
    parser.add_argument("--more", type=Path, help="marked sentences to learn from only")
    parser.add_argument("--write", action="store_true", help="store the model after training")
    parser.add_argument("--folds", type=Path, metavar="DIR", help="keep the models of the folds")
    parser.add_argument("--skip-cv", action="store_true", help="do not cross-validate")
    options = parser.parse_args(argv)
    sets = [read_examples(path) if path else [] for path in (options.everyday, options.more)]
    rows = read_examples(options.cpp)
    net, chars, columns, all_candidates = load_g2pm(options.g2pm)
    candidates = {char: names for char, names in all_candidates.items() if len(names) > 1}
    for text, index, _ in [*rows, *sets[0], *sets[1]]:
        candidates.setdefault(text[index], all_candidates.get(text[index], []))
    phrases = read_phrases(options.phrases, set(candidates))
    embedding_rows = {char: row for row, char in enumerate(chars, start=3)}

    def prepare(marked: list[tuple[str, int, str]], weight: float) -> list[Example]:
        usable = [row for row in marked if candidates[row[0][row[1]]]]
        return make_examples(usable, net, embedding_rows, columns, candidates, phrases, weight)

    examples = prepare(rows, 1.0)
    everyday, more = (prepare(marked, _EVERYDAY_WEIGHT) for marked in sets)
    print(f"{len(examples)} examples, {len(candidates)} characters, {len(phrases)} phrases")
    sources = Sources(net, chars, columns, candidates)

    def keep(fold: int, known: list[Example], weights: Any) -> None:
        if options.folds:
            options.folds.mkdir(parents=True, exist_ok=True)
            store_model(options.folds / f"fold{fold}.npz", known, weights, sources)

    if not options.skip_cv:
        cross_validate(examples, everyday, more, keep)
    if options.write:
        print(store_third_tone_words(options.phrases), "words with third tones")
        known = [*examples, *everyday, *more]
        store_model(_DATA / "polyphones.npz", known, train(known), sources)
        store_phrases(phrases)


if __name__ == "__main__":
    main()
