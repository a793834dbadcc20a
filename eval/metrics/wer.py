"""Word and character error rate by the text rules of the Seed-TTS evaluation scripts.

The rules are those of github.com/BytedanceSpeech/seed-tts-eval (`run_wer.py`, `average_wer.py`),
oddities included, so that figures can be set beside published ones:

* every punctuation mark of zhon's and Python's lists goes, except the ASCII apostrophe
  (so "don't" written with a curly apostrophe becomes "dont" and differs from "don't");
* pairs of spaces become one, in a single pass: three spaces leave two;
* en is lower-cased and counted in words, zh is not and is counted in characters;
* the error rate is per utterance, and the result is the plain mean over utterances;
* the parts S, D, I are divided by the number of pieces between single spaces, which exceeds the
  number of words where spaces were left over.
"""

from __future__ import annotations

import argparse
import string
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.extras import require
from eval.metrics.chinese_numbers import digits_for_numerals
from eval.metrics.stats import mean_interval, ratio_interval
from eval.report import json_line, write_json_lines
from frontend.clean import HAN_CHARACTER
from frontend.mandarin.hanzi import simplify

LANGUAGES = ("en", "zh")

# The code points that zhon 2.0 and 2.1 list as Chinese punctuation (1.1 lacks U+FF0E), first and
# last of each run. The yuan sign U+FFE5 and the low quote U+201A are not in the list.
_ZH_PUNCTUATION_RUNS = (
    ("\u00b7", "\u00b7"),
    ("\u2013", "\u2014"),
    ("\u2018", "\u2019"),
    ("\u201b", "\u201f"),
    ("\u2026", "\u2027"),
    ("\u3000", "\u3003"),
    ("\u3008", "\u3011"),
    ("\u3014", "\u301f"),
    ("\u3030", "\u3030"),
    ("\u303e", "\u303f"),
    ("\ufe4f", "\ufe4f"),
    ("\ufe51", "\ufe51"),
    ("\ufe54", "\ufe54"),
    ("\uff01", "\uff0f"),
    ("\uff1a", "\uff20"),
    ("\uff3b", "\uff40"),
    ("\uff5b", "\uff64"),
)
ZH_PUNCTUATION = frozenset(
    chr(code) for first, last in _ZH_PUNCTUATION_RUNS for code in range(ord(first), ord(last) + 1)
)
REMOVED = (ZH_PUNCTUATION | frozenset(string.punctuation)) - {"'"}
_REMOVAL = dict.fromkeys(map(ord, REMOVED))

_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\uff07": "'"})

TextRules = Callable[[str, str], str]


class EmptyReferenceError(ValueError):
    """A reference text without a single word: no error rate is defined."""


@dataclass(frozen=True)
class WordErrors:
    """The alignment of one utterance.

    Attributes:
        reference, hypothesis: after the text rules.
        substitutions, deletions, insertions: counts.
        num_words: reference words (zh: characters) that were aligned, >= 1.
        num_tokens: pieces of the reference between single spaces; the official denominator of
            the three parts, >= num_words.
    """

    reference: str
    hypothesis: str
    substitutions: int
    deletions: int
    insertions: int
    num_words: int
    num_tokens: int

    @property
    def num_errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def wer(self) -> float:
        """Errors per reference word, >= 0; can exceed 1."""
        return self.num_errors / self.num_words


@dataclass(frozen=True)
class WerSummary:
    """Error rates of a set of utterances, as fractions.

    Attributes:
        mean_wer: plain mean over utterances, the official figure.
        mean_wer_low, mean_wer_high: its 95 % bootstrap interval.
        corpus_wer: all errors over all reference words; with low and high likewise.
        substitution_rate, deletion_rate, insertion_rate: official parts, means over utterances.
        substitutions, deletions, insertions, num_words: totals.
        num_above_half: utterances with WER > 0.5.
        mean_wer_below_half: official mean over the others; None when there is none.
    """

    num_utterances: int
    mean_wer: float
    mean_wer_low: float
    mean_wer_high: float
    corpus_wer: float
    corpus_wer_low: float
    corpus_wer_high: float
    substitution_rate: float
    deletion_rate: float
    insertion_rate: float
    substitutions: int
    deletions: int
    insertions: int
    num_words: int
    num_above_half: int
    mean_wer_below_half: float | None


def official_text(text: str, lang: str) -> str:
    """Apply the official text rules.

    Args:
        text: any string.
        lang: "en" or "zh".

    Returns:
        The text that is split at spaces and aligned.

    Raises:
        ValueError: lang is neither.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang is {lang!r}, must be one of {LANGUAGES}")
    kept = text.translate(_REMOVAL).replace("  ", " ")
    return kept.lower() if lang == "en" else " ".join(kept)


def normalized_text(text: str, lang: str) -> str:
    """Rules that forgive spelling: a second, unofficial view beside the official figure.

    en: Whisper's English normaliser (numbers, contractions, hesitations), curly apostrophes
    straight; zh: compatibility forms folded, simplified characters, numerals as digits, lower
    case, letters and digits only, split into characters.
    """
    if lang == "zh":
        simplified = simplify(unicodedata.normalize("NFKC", text))
        folded = digits_for_numerals(simplified).lower()
        return " ".join(char for char in folded if char.isalnum())
    if lang != "en":
        raise ValueError(f"lang is {lang!r}, must be one of {LANGUAGES}")
    rules = require("transformers.models.whisper.english_normalizer", "transformers")
    return rules.EnglishTextNormalizer({})(text.translate(_STRAIGHT))


#: Rules by name.
RULES: dict[str, TextRules] = {"official": official_text, "normalized": normalized_text}


def scripts_differ(reference: str, hypothesis: str) -> bool:
    """Whether one has Chinese characters and the other has none, or one traditional ones alone."""
    if not hypothesis.strip():
        return False
    kinds = [(bool(HAN_CHARACTER.search(x)), simplify(x) != x) for x in (reference, hypothesis)]
    return kinds[0] != kinds[1]


def script_warning(count: int) -> str:
    """What to tell of so many of them."""
    return (
        f"{count} transcripts are in another script than their references (traditional beside "
        "simplified characters, or letters); the official rules count that as errors, the "
        "normalized ones fold traditional characters"
    )


def score_utterance(
    reference: str, hypothesis: str, lang: str = "en", rules: TextRules = official_text
) -> WordErrors:
    """Align one transcript with its reference.

    Args:
        reference: what should have been said.
        hypothesis: what was heard; "" counts as every word deleted, WER 1.
        lang: "en" or "zh".
        rules: maps (text, lang) to text with words between spaces.

    Raises:
        EmptyReferenceError: nothing is left of the reference after the rules.
        ValueError: unknown lang.
    """
    jiwer = require("jiwer")
    ref, hyp = rules(reference, lang), rules(hypothesis, lang)
    if not ref.strip():
        raise EmptyReferenceError(
            f"reference {reference!r} has no word left after the text rules; leave the item out"
        )
    out = jiwer.process_words(ref, hyp)
    return WordErrors(
        reference=ref,
        hypothesis=hyp,
        substitutions=out.substitutions,
        deletions=out.deletions,
        insertions=out.insertions,
        num_words=out.hits + out.substitutions + out.deletions,
        num_tokens=len(ref.split(" ")),
    )


def summarize(
    errors: Sequence[WordErrors], groups: Sequence[str] | None = None, seed: int = 0
) -> WerSummary:
    """Pool utterances.

    Args:
        errors: at least one.
        groups: a label per utterance (the sentence); the bootstrap draws whole groups.
        seed: of the bootstrap.

    Raises:
        ValueError: `errors` is empty, or `groups` has another length.
    """
    if not errors:
        raise ValueError("no utterance was scored; at least one is needed")
    wers = [e.wer for e in errors]
    below = [w for w in wers if w <= 0.5]
    mean = mean_interval(wers, groups, seed=seed)
    num_errors = [e.num_errors for e in errors]
    corpus = ratio_interval(num_errors, [e.num_words for e in errors], groups, seed=seed)
    return WerSummary(
        num_utterances=len(errors),
        mean_wer=mean.estimate,
        mean_wer_low=mean.low,
        mean_wer_high=mean.high,
        corpus_wer=corpus.estimate,
        corpus_wer_low=corpus.low,
        corpus_wer_high=corpus.high,
        substitution_rate=float(np.mean([e.substitutions / e.num_tokens for e in errors])),
        deletion_rate=float(np.mean([e.deletions / e.num_tokens for e in errors])),
        insertion_rate=float(np.mean([e.insertions / e.num_tokens for e in errors])),
        substitutions=sum(e.substitutions for e in errors),
        deletions=sum(e.deletions for e in errors),
        insertions=sum(e.insertions for e in errors),
        num_words=sum(e.num_words for e in errors),
        num_above_half=len(wers) - len(below),
        mean_wer_below_half=float(np.mean(below)) if below else None,
    )


def official_percent(rate: float) -> float:
    """A rate as the official scripts print it: per cent, three decimals."""
    return round(rate * 100, 3)


def main(argv: Sequence[str]) -> int:
    """`python -m eval wer`: score a file of transcripts against a file of references."""
    parser = argparse.ArgumentParser(
        prog="python -m eval wer", description="WER/CER of transcripts, line by line."
    )
    parser.add_argument("references", type=Path, help="text file, one reference per line")
    parser.add_argument("hypotheses", type=Path, help="text file, one transcript per line")
    parser.add_argument("--lang", choices=LANGUAGES, default="en")
    parser.add_argument(
        "--rules",
        choices=RULES,
        default="official",
        help="official: of the Seed-TTS scripts; normalized: spelling, numbers, apostrophes and "
        "traditional characters are forgiven",
    )
    parser.add_argument("--out", type=Path, help="write per-utterance JSON lines to this file")
    args = parser.parse_args(argv)
    # Lines are kept as they are: an empty transcript is a result, not a gap.
    references = args.references.read_text(encoding="utf-8-sig").splitlines()
    hypotheses = args.hypotheses.read_text(encoding="utf-8-sig").splitlines()
    if len(references) != len(hypotheses):
        raise ValueError(
            f"{args.references} has {len(references)} lines and {args.hypotheses} "
            f"{len(hypotheses)}; they must match line by line"
        )
    pairs = list(zip(references, hypotheses, strict=True))
    errors: dict[str, list[WordErrors]] = {name: [] for name in RULES}
    for number, (reference, hypothesis) in enumerate(pairs, 1):
        for name, rules in RULES.items():
            try:
                errors[name].append(score_utterance(reference, hypothesis, args.lang, rules))
            except EmptyReferenceError as error:
                raise ValueError(f"{args.references}, line {number}: {error}") from error
    differing = [n for n, pair in enumerate(pairs, 1) if scripts_differ(*pair)]
    if differing:
        sys.stderr.write(
            f"warning: {script_warning(len(differing))}, first in line {differing[0]}\n"
        )
    summary = summarize(errors[args.rules])
    if args.out:
        write_json_lines(args.out, [{**asdict(e), "wer": e.wer} for e in errors[args.rules]])
    result: dict[str, Any] = {
        "command": "wer",
        "lang": args.lang,
        "rules": args.rules,
        "official_wer_percent": official_percent(summarize(errors["official"]).mean_wer),
        "normalized_corpus_wer": summarize(errors["normalized"]).corpus_wer,
        "num_scripts_differ": len(differing),
        **asdict(summary),
    }
    sys.stdout.write(
        f"WER: {official_percent(summary.mean_wer)}%\n{args.rules} rules, {len(pairs)} utterances: "
        f"mean {summary.mean_wer:.4f}, all errors over all words {summary.corpus_wer:.4f}, "
        f"{summary.num_above_half} above 50 %\n{json_line(result)}\n"
    )
    return 0
