"""What a user waits for, as whole processes: a cold start, and speaking beside busy cores."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# About three seconds of speech.
SENTENCE = "The train leaves at half past nine, in the morning."
# About twenty.
LONG = (
    "She bought fresh bread, butter and a dozen eggs at the market. Please close the window before "
    "you go, it is getting cold in here. The train leaves at half past nine from the old station. "
    "Most of the students walked home together, and talked about the holidays that were to come."
)
_WARM = f"""
import json, sys
from tts.threads import sleep_while_waiting, speaking_threads
sleep_while_waiting()
from tts.synthesizer import SpeechOptions, Synthesizer
synthesizer = Synthesizer.load(sys.argv[1])
with speaking_threads(synthesizer.model):
    synthesizer.synthesize("One, two.", SpeechOptions(seed=0))
    spoken = synthesizer.synthesize({LONG!r}, SpeechOptions(seed=0))
print(json.dumps({{"rtf": spoken.rtf, "seconds": spoken.seconds}}))
"""
_BUSY = "while True: pass"


def run_process(command: Sequence[str]) -> tuple[float, float, str]:
    """Wall-clock seconds, peak memory in MB, and standard output of a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryFile("w+") as out:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command[:4]} ended with exit code {process.returncode}")
        out.seek(0)
        peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        return wall, peak, out.read()


def say_process(model: str, folder: Path) -> tuple[float, float, str]:
    """A fresh `cat-tts say` of a sentence of about three seconds."""
    say = [sys.executable, "-m", "tts", "say", SENTENCE, "-o", str(folder / "say.wav"), "--json"]
    return run_process([*say, "--model", model])


def cold(model: str, repeats: int) -> dict[str, Any]:
    """A fresh `say` beside a bare import of torch, in turns; the fastest of each counts."""
    bare, says = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            bare.append(run_process([sys.executable, "-c", "import torch"]))
            says.append(say_process(model, Path(folder)))
    torch_s, say_s = (min(wall for wall, _, _ in runs) for runs in (bare, says))
    return {
        "import_torch_s": round(torch_s, 2),
        "say_s": round(say_s, 2),
        "beyond_import_s": round(say_s - torch_s, 2),
        "say_peak_mb": round(max(peak for _, peak, _ in says)),
        "speech_s": json.loads(says[0][2].splitlines()[-1])["seconds"],
    }


def beside(model: str, repeats: int, busy: int) -> dict[str, Any]:
    """Cold `say` and warm RTF, quiet and beside so many busy processes, in turns; medians."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for name, count in (("quiet", 0), ("beside", busy)):
                with busy_cores(count):
                    say_s = say_process(model, Path(folder))[0]
                    warm = json.loads(run_process([sys.executable, "-c", _WARM, model])[2])
                found.setdefault(f"{name}_say_s", []).append(say_s)
                found.setdefault(f"{name}_rtf", []).append(warm["rtf"])
    row = {name: round(statistics.median(values), 3) for name, values in found.items()}
    return {
        "busy": busy,
        **row,
        "say_times_quiet": round(row["beside_say_s"] / row["quiet_say_s"], 2),
        "rtf_times_quiet": round(row["beside_rtf"] / row["quiet_rtf"], 2),
    }


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """Keep so many cores busy for as long as the block lasts."""
    workers = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
