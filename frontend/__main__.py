"""Show how a text is read: `python -m frontend "text" [--json] [--lang L] [--lexicon FILE]`."""

import argparse
import json
import sys

from frontend.lexicon import load_lexicon
from frontend.mandarin.pinyin import spell_syllables
from frontend.pipeline import Stages, phonemize_stages
from frontend.symbols import SYMBOL_TO_ID, to_ids


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m frontend", description=__doc__)
    parser.add_argument("text", nargs="*", help="the text; from standard input when left out")
    parser.add_argument("--lang", choices=("auto", "en", "zh"), default="auto")
    parser.add_argument("--lexicon", metavar="FILE", help="your pronunciations, one entry a line")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser


def as_json(stages: Stages) -> str:
    """Return all stages as one JSON object on one line."""
    utterance = stages.utterance
    return json.dumps(
        {
            "text": utterance.text,
            "normalized": utterance.normalized,
            "spans": [{"lang": span.lang, "text": span.text} for span in stages.spans],
            "words": [
                {
                    "text": word.text,
                    "lang": word.lang,
                    "symbols": list(word.symbols),
                    "source": word.source,
                    "ids": to_ids(word.symbols),
                }
                for word in utterance.words
            ],
            "symbols": list(utterance.symbols),
            "ids": to_ids(utterance.symbols),
            "notes": list(utterance.notes),
        },
        ensure_ascii=False,
    )


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two."""
    return sum(2 if ord(char) >= 0x2E80 else 1 for char in text)


def _pad(text: str, width: int) -> str:
    return text + " " * max(0, width - _width(text))


def _said(symbols: tuple[str, ...]) -> str:
    """Symbols of one word as they may be pasted into `[word](reading)`."""
    if not symbols or not symbols[0].startswith("zh_"):
        return " ".join(symbols)
    return " ".join(spell_syllables(symbols))


def as_table(stages: Stages) -> str:
    """Return all stages as text for a terminal."""
    utterance = stages.utterance
    lines = [
        f"text        {utterance.text.strip()}",
        f"normalized  {utterance.normalized}",
        "spans       " + " | ".join(f"{span.lang}: {span.text.strip()}" for span in stages.spans),
    ]
    lines += [f"note        {note}" for note in utterance.notes]
    rows = [
        (
            word.text,
            word.lang or "-",
            _said(word.symbols),
            word.source,
            " ".join(str(SYMBOL_TO_ID[symbol]) for symbol in word.symbols),
        )
        for word in utterance.words
    ]
    rows.insert(0, ("word", "lang", "said", "source", "ids"))
    widths = [max(_width(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [_pad(cell, width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[4]]).rstrip())
    lines.append(f"{len(utterance.symbols)} symbols with language tags")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run from the command line; return the exit code, 2 for bad input."""
    options = _parser().parse_args(argv)
    text = " ".join(options.text) if options.text else sys.stdin.read()
    try:
        lexicon = load_lexicon(options.lexicon) if options.lexicon else None
        stages = phonemize_stages(text, options.lang, lexicon)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(as_json(stages) if options.json else as_table(stages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
