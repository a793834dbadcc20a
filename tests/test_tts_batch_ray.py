"""`--engine ray`: a cluster does what one process does, also when it loses a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batching import arguments, contents, environment, ledger_lines, make_home, strays, write_rows
from tts.__main__ import main

ROWS = [{"id": f"i{n:03d}", "text": f"Number {n}. And then more.", "seed": n} for n in range(40)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


def test_without_ray_it_says_how_to_get_it(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("CAT_TTS_HOME", str(home / "home"))
    manifest = write_rows(tmp_path / "m.csv", ROWS[:1])
    assert main(arguments(home, manifest, tmp_path / "out", "--engine", "ray")) == 2
    assert "cat-tts[ray]" in capsys.readouterr().err
    assert strays(tmp_path / "out") == []


def command(home: Path, manifest: Path, output: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "tts", *arguments(home, manifest, output, *more)]


def actors_of(home: Path) -> list[int]:
    """Processes of Ray actors that speak."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
    lines = [line.split(None, 1) for line in listed.splitlines()]
    return [int(pid) for pid, args in lines if args.startswith("ray::RayWorker")]


@pytest.mark.slow
def test_two_workers_one_of_which_is_killed(home, tmp_path):
    pytest.importorskip("ray")
    manifest = write_rows(tmp_path / "m.csv", ROWS)
    plain = command(home, manifest, tmp_path / "calm")
    assert subprocess.run(plain, env=environment(home)).returncode == 0
    shared = command(
        home,
        manifest,
        tmp_path / "out",
        *("--engine", "ray", "--workers", "2"),
        "--batch-size",
        "2",
    )
    before = set(actors_of(home))
    run = subprocess.Popen(
        [*shared, "--json"], env=environment(home), stdout=subprocess.PIPE, text=True
    )
    killed = None
    while run.poll() is None and killed is None:
        time.sleep(0.2)
        own = sorted(set(actors_of(home)) - before)
        if len(own) == 2 and len(ledger_lines(tmp_path / "out")) >= 4:
            killed = own[0]
            os.kill(killed, signal.SIGKILL)
    out, _ = run.communicate(timeout=400)
    assert killed is not None
    assert run.returncode == 0
    # Ray itself tells of the loss on stdout.
    assert json.loads(out.splitlines()[-1])["done"] == len(ROWS)
    assert contents(tmp_path / "out") == contents(tmp_path / "calm")
    assert sorted(line["id"] for line in ledger_lines(tmp_path / "out")) == [r["id"] for r in ROWS]
    assert strays(tmp_path / "out") == []
    again = subprocess.run(shared, env=environment(home), capture_output=True, text=True)
    assert "40 done, 0 to do" in again.stderr
