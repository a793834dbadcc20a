"""Runs that are killed, and runs of several processes: the result is that of an undisturbed run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from batching import arguments, contents, environment, ledger_lines, make_home, strays, write_rows
from tts.__main__ import main

# A process that has everything imported starts the run again and again in a child of its own and
# kills it at a random moment, until it has been killed often enough and may come to its end.
KILLER = """
import json, os, random, signal, sys, time
import tts.batch.local
from tts.__main__ import main

calm, killed, wanted, seed = json.loads(sys.argv[1])
random.seed(seed)

def start(arguments):
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os._exit(main(arguments))
    return child

begun = time.monotonic()
_, status = os.waitpid(start(calm), 0)
assert os.waitstatus_to_exitcode(status) == 0
whole = time.monotonic() - begun
kills = 0
while True:
    child = start(killed)
    if kills < wanted:
        time.sleep(random.uniform(0, 2 * whole / (wanted + 1)))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    kills += code == -signal.SIGKILL
    if code >= 0:
        break
print(json.dumps({"kills": kills, "code": code}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


def rows(count: int) -> list[dict[str, object]]:
    formats = ("wav", "flac", "opus")
    texts = ("Number {}.", "This is sentence number {}, and it is longer.", "One. Two. Then {}.")
    return [
        {"id": f"i{n:04d}", "text": texts[n % 3].format(n), "seed": n, "format": formats[n % 3]}
        for n in range(count)
    ]


def run_killer(home: Path, manifest: Path, kills: int, seed: int) -> dict:
    folder = manifest.parent
    runs = [
        arguments(home, manifest, folder / name, "--srt", "--batch-size", size)
        for name, size in (("calm", "8"), ("killed", "5"))
    ]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, json.dumps([*runs, kills, seed])],
        env=environment(home),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def assert_undisturbed(folder: Path, count: int) -> None:
    """The folder `killed` is like the folder `calm`, and nothing was done twice."""
    killed = folder / "killed"
    assert contents(killed) == contents(folder / "calm")
    assert len(list((killed / "srt").iterdir())) == count
    names = [line["id"] for line in ledger_lines(killed)]
    assert sorted(names) == [f"i{n:04d}" for n in range(count)]
    assert strays(killed) == []
    assert json.loads((killed / "summary.json").read_text())["done"] == count


def test_killed_run_ends_with_the_same_bytes(home, tmp_path):
    manifest = write_rows(tmp_path / "m.csv", rows(60))
    result = run_killer(home, manifest, kills=6, seed=1)
    assert result["code"] == 0
    assert result["kills"] >= 3
    assert_undisturbed(tmp_path, 60)


@pytest.mark.slow
def test_run_killed_twenty_times(home, tmp_path):
    manifest = write_rows(tmp_path / "m.csv", rows(1000))
    result = run_killer(home, manifest, kills=20, seed=2)
    assert result == {"kills": 20, "code": 0}
    assert_undisturbed(tmp_path, 1000)


def launch(home: Path, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**environment(home), **more}, capture_output=True, text=True
    )


def test_processes_share_a_manifest(home, tmp_path, monkeypatch, capsys):
    manifest = write_rows(tmp_path / "m.csv", rows(12))
    monkeypatch.setenv("CAT_TTS_HOME", str(home / "home"))
    assert main(arguments(home, manifest, tmp_path / "calm", "--srt")) == 0
    shared = arguments(home, manifest, tmp_path / "killed", "--srt")
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        assert main(shared) == 0
    assert_undisturbed(tmp_path, 12)
    parts = [(tmp_path / "killed" / name) for name in ("ledger.jsonl", "ledger-00001.jsonl")]
    assert [len(part.read_text().splitlines()) for part in parts] == [6, 6]
    # A plain run finds nothing to do.
    monkeypatch.delenv("RANK")
    capsys.readouterr()
    assert main(shared) == 0
    assert "12 done, 0 to do" in capsys.readouterr().err


@pytest.mark.slow
def test_accelerate_launch(home, tmp_path):
    manifest = write_rows(tmp_path / "m.csv", rows(12))
    plain = [sys.executable, "-m", "tts", *arguments(home, manifest, tmp_path / "calm", "--srt")]
    assert launch(home, plain).returncode == 0
    accelerate = [str(Path(sys.executable).with_name("accelerate")), "launch", "--cpu"]
    own = ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    command = [*accelerate, *own, "-m", "tts"]
    done = launch(home, [*command, *arguments(home, manifest, tmp_path / "killed", "--srt")])
    assert done.returncode == 0, done.stderr
    assert_undisturbed(tmp_path, 12)
