"""`cat-tts batch` where the disk is full, read-only, or changes under it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from batching import (
    ROWS,
    Batch,
    arguments,
    contents,
    environment,
    ledger_lines,
    make_home,
    strays,
    write_rows,
)
from tts.batch.render import ItemRenderer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def batch(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Batch:
    monkeypatch.setenv("CAT_TTS_HOME", str(home / "home"))
    return Batch(home, tmp_path, capsys)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 300 kB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk_stops_the_run_which_goes_on_later(batch, tmp_path, small_disk):
    rows = [{"id": f"i{n}", "text": f"Sentence number {n} of many.", "seed": n} for n in range(12)]
    code, err = batch(rows, output=small_disk)
    assert code == 2
    assert "No space left" in err.splitlines()[-1]
    assert "are safe; mend this and start it again" in err
    done = len(ledger_lines(small_disk))
    assert 0 < done < 12
    assert strays(small_disk) == []
    wavs = {path.stem for path in (small_disk / "wavs").iterdir()}
    assert wavs >= {line["id"] for line in ledger_lines(small_disk)}
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    code, err = batch(rows, output=small_disk)
    assert (code, f"12 items, {done} done" in err) == (0, True)
    assert batch(rows, output="roomy")[0] == 0
    assert contents(small_disk) == contents(tmp_path / "roomy")
    assert len(ledger_lines(small_disk)) == 12


def test_file_size_limit_stops_the_run(batch, home, tmp_path):
    manifest = write_rows(tmp_path / "m.jsonl", ROWS)
    command = [str(a) for a in arguments(home, manifest, tmp_path / "out")]
    code = (
        "import resource, sys; from tts.__main__ import main\n"
        "import torch, tts.batch.local\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        f"sys.exit(main({command!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home), capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr.splitlines()[-1]
    assert strays(tmp_path / "out") == []
    assert batch(ROWS)[0] == 0
    assert batch(ROWS, output="undisturbed")[0] == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_read_only_folder_is_refused(batch, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, err = batch(ROWS, output=small_disk)
    assert code == 2
    assert "Read-only file system" in err.splitlines()[-1]


def test_folder_that_becomes_read_only(batch, small_disk, monkeypatch):
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    render = ItemRenderer.render

    def closing(self, items, stopped):
        for done, result in enumerate(render(self, items, stopped)):
            yield result
            if done == 1:
                wait_for_lines(small_disk, 2)
                os.chmod(small_disk / "wavs", 0)
                (small_disk / "wavs").rename(small_disk / "moved")
                (small_disk / "wavs").write_text("not a folder")

    monkeypatch.setattr(ItemRenderer, "render", closing)
    code, err = batch(ROWS, "--batch-size", "1", output=small_disk)
    assert code == 2
    assert "Not a directory" in err.splitlines()[-1]
    monkeypatch.setattr(ItemRenderer, "render", render)
    (small_disk / "wavs").unlink()
    (small_disk / "moved").rename(small_disk / "wavs")
    os.chmod(small_disk / "wavs", 0o755)
    code, err = batch(ROWS, output=small_disk)
    assert code == 0
    assert "6 items, 2 done" in err
    assert strays(small_disk) == []


def wait_for_lines(folder: Path, count: int) -> None:
    waiting = threading.Event()
    for _ in range(1000):
        if len(ledger_lines(folder)) >= count:
            return
        waiting.wait(0.01)
    raise TimeoutError("the ledger has too few lines")
