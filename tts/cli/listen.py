"""`cat-tts listen`: what is said in sound files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from tokenizer.blocks import sound_blocks
from tokenizer.checkpoint import load_codec
from tokenizer.cli import check_device
from tokenizer.files import check_folder, replacing
from tts.cli.say import STDOUT, warn
from tts.listen.streaming import listen_chunk, listen_finish, listen_start
from tts.listen.transcribe import Ears, Segment, load_ears, summary, whole_text
from tts.subtitles import times_file, times_object

# Samples of standard input that are read at once.
READ_S = 0.32


def run_listen(args: argparse.Namespace) -> int:
    """Listen to each file and print what is said in it, segment by segment.

    Raises:
        ValueError: a file, the listener, the tokenizer or an option is unusable.
    """
    beside = {kind: getattr(args, kind) for kind in ("srt", "vtt") if getattr(args, kind)}
    if beside and len(args.files) > 1:
        raise ValueError(
            f"--{next(iter(beside))} names one file, and there are {len(args.files)} to listen to; "
            "give one at a time"
        )
    for path in beside.values():
        check_folder(path)
    codec = load_codec(args.codec, check_device(args.device), sparing=True)
    ears = load_ears(args.listener, codec)
    most = ears.listener.config.num_codebooks
    if args.num_codebooks is not None and not 1 <= args.num_codebooks <= most:
        raise ValueError(f"num_codebooks is {args.num_codebooks}; use 1..{most}")
    for file in args.files:
        if file == STDOUT:
            heard = _standard_input(ears, args.lang)
        else:
            heard = ears.segments(sound_blocks(file), args.lang, args.num_codebooks)
        segments = _shown(heard, quiet=args.json)
        _, words, sentences = whole_text(segments)
        for kind, path in beside.items():
            with replacing(Path(path)) as temporary:
                temporary.write_bytes(times_file(kind, words, sentences))
        if args.json:
            facts = {"path": file, **summary(segments), **times_object(words, sentences)}
            print(json.dumps(facts, ensure_ascii=False), flush=True)
        warn(remarks(file, segments))
    return 0


def remarks(file: str, segments: Sequence[Segment]) -> list[str]:
    """What the user should know: that nothing was said, or that some of it was not written."""
    unsure = [s for s in segments if s.is_unsure]
    if not unsure and not any(s.text for s in segments):
        return [f"{file}: no speech was heard"]
    if unsure:
        seconds = sum(s.end_s - s.start_s for s in unsure)
        return [
            f"{file}: {seconds:.1f} s were left out, the first at {unsure[0].start_s:.1f} s: what "
            "is heard there is no English or Mandarin that can be made out"
        ]
    return []


def _shown(segments: Iterator[Segment], quiet: bool) -> list[Segment]:
    kept = []
    for segment in segments:
        kept.append(segment)
        if segment.text and not quiet:
            print(segment.text, flush=True)
    return kept


def _standard_input(ears: Ears, lang: str) -> Iterator[Segment]:
    """Raw samples as they come."""
    channels = ears.codec.channels
    size = 2 * channels * round(READ_S * ears.codec.sample_rate)
    state = listen_start(ears, lang)
    while data := sys.stdin.buffer.read(size):
        samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768
        wav = torch.from_numpy(samples[: len(samples) // channels * channels])
        done, state = listen_chunk(ears, wav.reshape(1, -1, channels).transpose(1, 2), state)
        yield from done
    yield from listen_finish(ears, state)
