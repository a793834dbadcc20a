"""Speed and memory on this machine; the last line is one JSON object.

python -m eval bench                          the embedded model: RTF, first sound, codec
python -m eval bench --batch 1 4 16           its language model in batches
python -m eval bench --roofline               how near a frame comes to bare arithmetic
python -m eval bench --config FILE --random   any config, with random weights; with --codec-config
                                              too: RTF and first sound of both together
python -m eval bench --long 10 60             minutes of sound through the codec
python -m eval bench --cold                   a fresh `say`, beside a bare import of torch
python -m eval bench --beside                 `say` and long speech, quiet and beside busy cores
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

SENTENCES = (
    "The train leaves at half past nine.",
    "Please close the window before you go, it is getting cold in here.",
    "She bought fresh bread, butter and a dozen eggs at the market.",
)
ALL_CODEBOOKS = (4, 8, 16, 32)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m eval bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="embedded", help="'embedded', a folder or a hub id")
    parser.add_argument("--codec", help="of the codec; default: the model's own")
    parser.add_argument("--config", help="config.json of a language model, with --random")
    parser.add_argument("--codec-config", help="config.json of a codec, with --random")
    parser.add_argument("--random", action="store_true", help="random weights")
    parser.add_argument("--full", action="store_true", help="random weights in full float32")
    parser.add_argument("--roofline", action="store_true", help="bare products over a real frame")
    parser.add_argument("--long", type=float, nargs="+", metavar="MINUTES")
    parser.add_argument("--cold", action="store_true", help="whole processes: time and memory")
    parser.add_argument(
        "--beside", type=int, nargs="?", const=2, metavar="N", help="busy processes (default 2)"
    )
    parser.add_argument("--codebooks", type=int, nargs="*", help="K to measure")
    parser.add_argument("--batch", type=int, nargs="*", help="batch sizes of the language model")
    parser.add_argument("--frames", type=int, default=30, help="frames to time (default 30)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, help="torch threads (default: torch's choice)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m eval bench`; returns the exit code."""
    args = build_parser().parse_args(argv)
    if args.cold or args.beside is not None:
        return _processes(args)
    import torch

    from eval.memory import peak_memory_mb
    from tokenizer.cli import check_device

    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    result: dict[str, Any] = {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "device": args.device,
        "dtype": args.dtype,
    }
    if args.long:
        result["long"] = _long(args)
    elif args.roofline:
        result["roofline"] = _roofline(args)
    elif args.random:
        result.update(_random(args))
    else:
        result.update(_model(args))
    result["peak_memory_mb"] = round(peak_memory_mb())
    print(json.dumps(result))
    return 0


def _processes(args: argparse.Namespace) -> int:
    """Nothing is loaded here, so that nothing but the processes is measured."""
    from eval.commands.bench_process import beside, cold

    result: dict[str, Any] = {}
    if args.cold:
        result["cold"] = cold(args.model, args.repeats)
    if args.beside is not None:
        result["beside"] = beside(args.model, args.repeats, args.beside)
    print(json.dumps(result))
    return 0


def _model(args: argparse.Namespace) -> dict[str, Any]:
    """A trained model, from text to sound."""
    import torch

    from eval.commands.bench_codec import codec_rows
    from tts.synthesizer import SpeechOptions, Synthesizer

    begun = time.perf_counter()
    dtype = getattr(torch, args.dtype)
    synthesizer = Synthesizer.load(args.model, args.codec, args.device, dtype)
    result: dict[str, Any] = {"model": args.model, "load_s": round(time.perf_counter() - begun, 2)}
    for k in args.codebooks or [synthesizer.num_codebooks]:
        options = SpeechOptions(seed=0, num_codebooks=k)
        synthesizer.synthesize(SENTENCES[0], options)
        done = [
            synthesizer.synthesize(text, options) for text in SENTENCES for _ in range(args.repeats)
        ]
        row = {
            "rtf": round(statistics.median(d.rtf for d in done), 3),
            "ttfa_ms": round(statistics.median(d.ttfa_ms for d in done), 1),
        }
        result[f"k{k}"] = row
        print(f"K={k}: RTF {row['rtf']}, first sound after {row['ttfa_ms']} ms")
    result["lm"] = _lm_rows(args, synthesizer.model)
    result["codec"] = codec_rows(synthesizer.codec, 10.0, args.repeats)
    print(f"codec: {result['codec']}")
    return result


def _lm_rows(args: argparse.Namespace, model: Any) -> list[dict[str, Any]]:
    from eval.commands.bench_lm import lm_row

    most = model.config.n_vq
    fewer = () if model.config.fixed_codebooks else ALL_CODEBOOKS
    wanted = args.codebooks or sorted({k for k in fewer if k < most} | {most})
    rows = []
    for batch in args.batch or [1]:
        for k in wanted:
            row = {"batch": batch, "codebooks": k, **lm_row(model, k, batch, args.frames)}
            rows.append(row)
            print(f"language model: {row}")
    return rows


def _config_model(args: argparse.Namespace) -> Any:
    import torch

    from eval.commands.bench_lm import REFERENCE_CONFIG, random_model
    from tts.model.registry import read_config

    config = read_config(args.config) if args.config else REFERENCE_CONFIG
    return random_model(config, args.device, getattr(torch, args.dtype), not args.full)


def _random(args: argparse.Namespace) -> dict[str, Any]:
    """Configs with random weights; without --config those that the figures are compared on."""
    from eval.commands.bench_codec import REFERENCE_CODEC, codec_rows, random_codec
    from eval.commands.bench_lm import speech_row
    from tokenizer.config import CatConfig
    from tts.model.weights import prepare

    result: dict[str, Any] = {}
    prepared = None
    if args.config or not args.codec_config:
        model = _config_model(args)
        result["lm_parameters"] = sum(p.numel() for p in model.parameters())
        prepared = prepare(model)
        result["lm"] = _lm_rows(args, prepared)
    if args.codec_config or not args.config:
        config = CatConfig.from_file(args.codec_config) if args.codec_config else REFERENCE_CODEC
        codec = random_codec(config, args.device)
        result["codec_parameters"] = sum(p.numel() for p in codec.parameters())
        result["codec"] = codec_rows(codec, 10.0, args.repeats)
        print(f"codec: {result['codec']}")
        if prepared is not None and args.codec_config:
            wanted = args.codebooks or [prepared.config.n_vq]
            result["speech"] = [speech_row(prepared, codec, k, args.frames) for k in wanted]
            print(f"both: {result['speech']}")
    return result


def _roofline(args: argparse.Namespace) -> list[dict[str, Any]]:
    from eval.commands.bench_lm import roofline

    model = _config_model(args)
    rows = []
    for batch in args.batch or [1, 16]:
        for k in args.codebooks or [model.config.n_vq]:
            row = roofline(model, k, batch, args.frames, uncached_frames=2)
            rows.append(row)
            print(row)
    return rows


def _long(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Each length in a process of its own, because peak memory never falls."""
    from eval.commands.bench_codec import long_row
    from tokenizer.checkpoint import load_codec

    if len(args.long) == 1:
        row = long_row(load_codec(args.codec or "embedded", args.device), args.long[0])
        print(row)
        return [row]
    rows = []
    for minutes in args.long:
        command = [sys.executable, "-m", "eval", "bench", "--long", str(minutes)]
        command += ["--device", args.device, "--codec", args.codec or "embedded"]
        command += ["--threads", str(args.threads)] if args.threads else []
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        row = json.loads(done.stdout.splitlines()[-1])["long"][0]
        print(row)
        rows.append(row)
    return rows
