"""Acceptance of batch synthesis at full size, with the embedded model; too long for the tests.

    python tests/accept_batch.py kill FOLDER --items 1000 --kills 20
    python tests/accept_batch.py flat FOLDER --items 10000

`kill` runs a manifest undisturbed and again with SIGKILL at random moments, and compares the two.
`flat` runs one-word items, takes the memory every 500 of them, and times a run with nothing to
do. Each prints one JSON line and exits with 1 if something is not as it should be. FOLDER must
not exist yet.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from batching import contents, ledger_lines, strays, write_rows  # noqa: E402

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def start(arguments: list[str], log: Path) -> int:
    """`cat-tts` in a child of its own, which has everything imported; its process id."""
    child = os.fork()
    if child == 0:
        from tts.__main__ import main

        with log.open("ab") as file:
            os.dup2(file.fileno(), 2)
            os.dup2(file.fileno(), 1)
        code = 1
        try:
            code = main(arguments)
        finally:
            os._exit(code)
    return child


def wait(child: int) -> int:
    """Exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def command(manifest: Path, output: Path, batch: int) -> list[str]:
    return ["batch", str(manifest), "-o", str(output), "--quiet", "--batch-size", str(batch)]


def lines_of(folder: Path) -> int:
    path = folder / "ledger.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def accept_kill(folder: Path, items: int, kills: int, seed: int) -> dict:
    """Kills fall at random moments spread over the run: before the model speaks, and after."""
    import tts.batch.local  # noqa: F401  (children inherit it)

    random.seed(seed)
    rows = [
        {"id": f"i{n:05d}", "text": " ".join(random.choices(WORDS, k=1 + n % 3)), "seed": n}
        for n in range(items)
    ]
    manifest = write_rows(folder / "m.csv", rows)
    log = folder / "log.txt"
    begun = time.monotonic()
    calm = wait(start(command(manifest, folder / "calm", 16), log))
    whole = time.monotonic() - begun
    killed = folder / "killed"
    before: list[int] = []
    # Each kill comes once so many items have their line, plus a random moment.
    marks = sorted(random.randrange(items * 4 // 5) for _ in range(kills))
    begun = time.monotonic()
    for mark in marks:
        child = start(command(manifest, killed, 16), log)
        if random.random() < 0.2:
            time.sleep(random.uniform(0, 3))  # perhaps before it speaks
        else:
            while lines_of(killed) < mark:
                time.sleep(0.02)
            time.sleep(random.uniform(0, 0.5))
        os.kill(child, signal.SIGKILL)
        if wait(child) != -signal.SIGKILL:
            break  # it had ended before the signal came
        before.append(lines_of(killed))
    code = wait(start(command(manifest, killed, 7), log))
    counts = Counter(line["id"] for line in ledger_lines(killed))
    a, b = contents(folder / "calm"), contents(killed)
    result = {
        "items": items,
        "kills": len(before),
        "lines_at_each_kill": before,
        "exit_codes": [calm, code],
        "calm_s": round(whole, 1),
        "killed_s": round(time.monotonic() - begun, 1),
        "files": len(a),
        "same_bytes": a == b,
        "in_ledger": len(counts),
        "most_lines_of_an_item": max(counts.values()),
        "stray": strays(killed),
    }
    result["ok"] = (
        [calm, code] == [0, 0]
        and a == b
        and len(counts) == items
        and len(before) == kills
        and max(counts.values()) == 1
        and not result["stray"]
    )
    return result


def accept_flat(folder: Path, items: int, more: list[str]) -> dict:
    rows = [{"id": f"i{n:05d}", "text": WORDS[n % 10], "seed": n} for n in range(items)]
    manifest = write_rows(folder / "m.csv", rows)
    output = folder / "out"
    arguments = [sys.executable, "-m", "tts", *command(manifest, output, 16), *more]
    begun = time.monotonic()
    run = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
    memory: list[tuple[int, int]] = []
    while run.poll() is None:
        done = lines_of(output)
        if done >= 500 * (len(memory) + 1):
            memory.append((done, resident_mb(run.pid)))
            print(f"{done} items, {memory[-1][1]} MB", file=sys.stderr, flush=True)
        time.sleep(0.2)
    wall = time.monotonic() - begun
    begun = time.monotonic()
    again = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    idle = time.monotonic() - begun
    result = {
        "items": items,
        "exit_codes": [run.returncode, again.returncode],
        "wall_s": round(wall, 1),
        "memory_mb": memory,
        "in_ledger": len({line["id"] for line in ledger_lines(output)}),
        "ledger_lines": lines_of(output),
        "nothing_to_do_s": round(idle, 2),
        "stray": strays(output),
    }
    grown = memory[-1][1] / memory[len(memory) // 5][1] if len(memory) > 4 else 1.0
    result["ok"] = (
        [run.returncode, again.returncode] == [0, 0]
        and result["in_ledger"] == result["ledger_lines"] == items
        and f"{items} done, 0 to do" in again.stderr
        and idle < 5
        and grown < 1.1
        and not result["stray"]
    )
    return result


def resident_mb(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0  # it has just ended
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=("kill", "flat"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("more", nargs="*", help="for `flat`: options of `cat-tts batch`, after --")
    args = parser.parse_args()
    args.folder.mkdir(parents=True)
    if args.what == "kill":
        result = accept_kill(args.folder, args.items, args.kills, args.seed)
    else:
        result = accept_flat(args.folder, args.items, args.more)
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
