"""Speed and memory of the embedded model on this machine; the last line is one JSON object."""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence

SENTENCES = (
    "The train leaves at half past nine.",
    "Please close the window before you go, it is getting cold in here.",
    "She bought fresh bread, butter and a dozen eggs at the market.",
)


def timed(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of `repeats` calls, after one warm-up."""
    work()
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def peak_memory_mb() -> float:
    """Largest resident size of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m eval bench`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval bench", description=__doc__)
    parser.add_argument("--model", default="embedded", help="'embedded' or a folder")
    parser.add_argument("--codebooks", type=int, nargs="*", help="K to measure (default: all)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, help="torch threads (default: torch's choice)")
    args = parser.parse_args(argv)

    import torch

    from tts.synthesizer import SpeechOptions, Synthesizer

    if args.threads:
        torch.set_num_threads(args.threads)
    begun = time.perf_counter()
    synthesizer = Synthesizer.load(args.model)
    load_s = time.perf_counter() - begun
    result: dict[str, object] = {
        "model": args.model,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "load_s": round(load_s, 2),
    }
    for k in args.codebooks or [synthesizer.num_codebooks]:
        options = SpeechOptions(seed=0, num_codebooks=k)
        synthesizer.synthesize(SENTENCES[0], options)
        done = [
            synthesizer.synthesize(text, options) for text in SENTENCES for _ in range(args.repeats)
        ]
        row = {
            "rtf": round(statistics.median(d.rtf for d in done), 3),
            "ttfa_ms": round(statistics.median(d.ttfa_ms for d in done), 1),
            "frames_per_s": round(statistics.median(d.frames / d.compute_s for d in done), 1),
        }
        result[f"k{k}"] = row
        print(f"K={k}: RTF {row['rtf']}, first sound after {row['ttfa_ms']} ms")
    codec, speech = synthesizer.codec, done[-1]
    wav = torch.from_numpy(speech.wav)[None, None]
    encode_s = timed(lambda: codec.encode(wav), args.repeats)
    decode_s = timed(lambda: codec.decode(speech.codes[None]), args.repeats)
    result["encode_rtf"] = round(encode_s / speech.seconds, 4)
    result["decode_rtf"] = round(decode_s / speech.seconds, 4)
    result["peak_memory_mb"] = round(peak_memory_mb())
    print(f"codec: encode {result['encode_rtf']}, decode {result['decode_rtf']} of real time")
    print(json.dumps(result))
    return 0
