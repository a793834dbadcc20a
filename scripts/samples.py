"""A short sample of every shipped voice: `python scripts/samples.py --out docs/samples`.

Ogg Opus, small enough to lie in the repository, and the rows of a table that links to them. The
same weights and seed give the same samples before Opus; the container's serial number is random.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.audio import AudioError, check_mono, peak
from eval.report import json_line, markdown_table, progress
from eval.systems.sources import Line, Speech, open_model
from tokenizer.audio import encode_sound, normalize_loudness
from tokenizer.cli import one_line
from tokenizer.files import replacing
from tts.voices import list_voices, load_voice

TEXTS = {
    "en": "Good morning! The kettle is on, would you like a cup of tea?",
    "zh": "早上好！今天天气很好，我们一起去公园走走吧。",
}
MAX_BYTES = 60_000
# Opus writes these rates only.
OPUS_RATES_HZ = (8000, 12000, 16000, 24000, 48000)


def write_sample(path: Path, speech: Speech, max_bytes: int = MAX_BYTES) -> int:
    """Write Ogg Opus at the usual level, whole or not at all.

    Args:
        path: ends in .ogg; its folder exists.
        speech: at a rate that Opus knows.
        max_bytes: of the file.

    Returns:
        Bytes written.

    Raises:
        AudioError: silent, a rate Opus does not know, or the file would be larger.
        OutputError: the place cannot be written.
    """
    wav = check_mono(speech.wav, speech.sample_rate)
    if speech.sample_rate not in OPUS_RATES_HZ:
        raise AudioError(f"Opus has no rate of {speech.sample_rate} Hz; use {OPUS_RATES_HZ}")
    if peak(wav) == 0:
        raise AudioError(f"{path.name}: the sample is silent; try another --seed")
    data = encode_sound(normalize_loudness(wav), speech.sample_rate, "opus")
    if len(data) > max_bytes:
        raise AudioError(f"{path.name} has {len(data)} bytes, at most {max_bytes} are wanted")
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return len(data)


def main(argv: Sequence[str] | None = None) -> int:
    """Write VOICE.ogg for every voice and print the rows; the last line is JSON."""
    parser = argparse.ArgumentParser(
        description="Write VOICE.ogg for every shipped voice, each saying a sentence of its "
        "language, and print the table rows that link to them.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder, e.g. docs/samples")
    parser.add_argument("--model", default="embedded", help="embedded, or a model folder")
    parser.add_argument("--voices", nargs="+", metavar="NAME", help="default: all shipped")
    parser.add_argument("--text", help="English sentence instead of the usual one")
    parser.add_argument("--zh-text", help="Mandarin sentence instead of the usual one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args(argv)
    names = args.voices or [voice.name for voice in list_voices() if voice.shipped]
    source, names = open_model(args.model, names, args.device, None)
    texts = {"en": args.text or TEXTS["en"], "zh": args.zh_text or TEXTS["zh"]}
    args.out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for name in progress(names, "samples"):
        voice = load_voice(name)
        lang = "zh" if voice.lang == "zh" else "en"
        speech = source.say(Line(texts[lang], 1, name, args.seed))
        path = args.out / f"{name}.ogg"
        size = write_sample(path, speech)
        rows.append(
            {
                "voice": name,
                "lang": lang,
                "description": voice.description,
                "file": path.as_posix(),
                "bytes": size,
                "seconds": speech.seconds,
                "finished_by": speech.finished_by,
            }
        )
    table = [
        (f"`{r['voice']}`", r["lang"], r["description"], f"[listen]({r['file']})") for r in rows
    ]
    sys.stdout.write(markdown_table(("voice", "language", "who", "sample"), table) + "\n")
    result = {"command": "samples", "seed": args.seed, "texts": texts, "samples": rows}
    sys.stdout.write(json_line(result) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError) as error:
        sys.exit(f"error: {one_line(error)}")
