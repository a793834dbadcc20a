"""`python -m tokenizer encode | decode | info | verify`: sound files to codes and back."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizer.cli import Parser, add_verify, check_device, run_guarded

PROG = "python -m tokenizer"


def build_parser() -> argparse.ArgumentParser:
    """All subcommands; nothing heavy is imported for it."""
    parser = Parser(prog=PROG, description="The CAT audio tokenizer: sound <-> codes.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    encode = commands.add_parser("encode", help="sound file to codes")
    encode.add_argument(
        "input",
        metavar="IN.wav",
        help="wav, flac, mp3, ogg or opus; mixed down to one channel, at the tokenizer's rate",
    )
    encode.add_argument("output", metavar="OUT.safetensors")
    encode.add_argument(
        "--num-codebooks", type=int, metavar="K", help="codebooks to keep, coarsest first"
    )
    encode.set_defaults(run=run_encode)

    decode = commands.add_parser("decode", help="codes to sound file")
    decode.add_argument("input", metavar="IN.safetensors")
    decode.add_argument("output", metavar="OUT.wav", help="wav, flac, mp3, ogg or opus")
    decode.add_argument(
        "--num-codebooks", type=int, metavar="K", help="codebooks to use, coarsest first"
    )
    decode.set_defaults(run=run_decode)

    info = commands.add_parser("info", help="rates, sizes and bitrates of a tokenizer")
    info.add_argument("model", nargs="?", default="embedded", metavar="MODEL")
    info.add_argument("--json", action="store_true", help="print one JSON object")
    info.add_argument(
        "--published", action="store_true", help="list what can be downloaded instead"
    )
    info.set_defaults(run=run_info)

    add_verify(commands).set_defaults(run=run_verify)

    for command in (encode, decode):
        command.add_argument(
            "--model", default="embedded", metavar="MODEL", help="'embedded' or a model folder"
        )
        command.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (2 for bad input, 130 when interrupted)."""
    return run_guarded(PROG, lambda: _run(argv))


def run_encode(args: argparse.Namespace) -> int:
    """Sound file -> codes int16 (K, T) with metadata."""
    import soundfile

    from tokenizer.audio import read_audio
    from tokenizer.checkpoint import load_codec
    from tokenizer.codes import check_codes_path, codec_fingerprint, save_codes
    from tokenizer.layout import wav_of

    check_codes_path(args.output)
    codec = load_codec(args.model, check_device(args.device))
    wav = read_audio(args.input, codec.sample_rate, codec.channels)
    given = soundfile.info(args.input)
    codes = codec.encode(wav_of(wav, codec.channels), args.num_codebooks)[0]
    metadata = {
        "num_samples": str(len(wav)),
        "sample_rate": str(codec.sample_rate),
        "frame_rate": f"{codec.frame_rate:g}",
        "codec": codec_fingerprint(codec),
        "source": Path(args.input).name,
    }
    save_codes(args.output, codes, metadata)
    seconds = len(wav) / codec.sample_rate
    print(f"{args.output}: {codes.shape[0]} codebooks x {codes.shape[1]} frames, {seconds:.2f} s")
    if given.channels != codec.channels:
        print(f"{args.input}: {given.channels} channels were made {codec.channels}")
    if given.samplerate != codec.sample_rate:
        print(f"{args.input}: resampled from {given.samplerate} to {codec.sample_rate} Hz")
    return 0


def run_decode(args: argparse.Namespace) -> int:
    """Codes -> sound file, as long as the sound that was encoded."""
    from tokenizer.audio import check_writable, write_audio
    from tokenizer.checkpoint import load_codec
    from tokenizer.codes import codec_fingerprint, load_codes
    from tokenizer.layout import samples_of

    check_writable(args.output)
    stored = load_codes(args.input)
    codec = load_codec(args.model, check_device(args.device))
    made_by = stored.metadata.get("codec", "")
    if made_by and made_by != codec_fingerprint(codec):
        raise ValueError(
            f"{args.input} was made with another tokenizer than {args.model!r}; "
            "give the one that encoded it with --model"
        )
    used = len(stored.codes) if args.num_codebooks is None else args.num_codebooks
    if not 1 <= used <= len(stored.codes):
        raise ValueError(
            f"num_codebooks is {used}; {args.input} holds 1..{len(stored.codes)} of them"
        )
    wav = samples_of(codec.decode(stored.codes[None, :used]))
    wav = wav[: _num_samples(stored.metadata.get("num_samples"), len(wav))]
    write_audio(args.output, wav, codec.sample_rate)
    print(f"{args.output}: {len(wav) / codec.sample_rate:.2f} s, {used} codebooks")
    return 0


def _num_samples(stored: str | None, limit: int) -> int:
    """Length of the sound before its last frame was filled up; everything where it is not known."""
    return min(int(stored), limit) if stored and stored.isdecimal() else limit


def run_info(args: argparse.Namespace) -> int:
    """Print what a tokenizer is, or what there is to download."""
    if args.published:
        return _print_published(args.json)
    from tokenizer.checkpoint import load_codec

    facts = describe(load_codec(args.model), args.model)
    if args.json:
        print(json.dumps(facts))
        return 0
    for key, value in facts.items():
        if key != "kbit_per_s":
            print(f"{key:<16} {value}")
    print("kbit_per_s by number of codebooks:")
    for used, rate in facts["kbit_per_s"].items():
        print(f"{used:>6} {rate:g}")
    return 0


def _print_published(as_json: bool) -> int:
    from tokenizer.published import PUBLISHED

    for entry in PUBLISHED:
        facts = entry._asdict()
        if as_json:
            print(json.dumps(facts))
            continue
        print(facts.pop("repository"))
        for key, value in facts.items():
            if value:
                print(f"  {key:<12} {value}")
    return 0


def run_verify(args: argparse.Namespace) -> int:
    """Exit code 0 only where every quantity is as the reference has it."""
    from tokenizer.verify import run_verify

    return run_verify(args.folder, args.shapes)


def describe(codec: Any, name: str) -> dict[str, Any]:
    """Facts about a loaded tokenizer, ready for JSON; bitrates count log2(codebook_size) bits."""
    import math

    from tokenizer.codes import codec_fingerprint

    def count(module: Any) -> int:
        return sum(p.numel() for p in module.parameters())

    bits = math.log2(codec.codebook_size)
    return {
        "model": name,
        "fingerprint": codec_fingerprint(codec),
        "sample_rate_hz": codec.sample_rate,
        "frame_rate_hz": codec.frame_rate,
        "channels": codec.channels,
        "frame_samples": codec.frame_size,
        "window_s": codec.config.causal_transformer_context_duration,
        "num_codebooks": codec.num_codebooks,
        "codebook_size": codec.codebook_size,
        "quantizer": codec.config.quantizer_kwargs.quantizer_type,
        "parameters": count(codec),
        "encoder": count(codec.encoder),
        "decoder": count(codec.decoder),
        "kbit_per_s": {
            used: round(used * bits * codec.frame_rate / 1000, 4)
            for used in range(1, codec.num_codebooks + 1)
        },
    }


def _run(argv: Sequence[str] | None) -> int:
    args = build_parser().parse_args(argv)
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
