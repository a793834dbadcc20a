"""A fresh process loads what it uses and nothing else, and says so in its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from eval.__main__ import main as eval_main
from eval.commands.bench_process import busy_cores, run_process
from tiny import tiny_model
from tts.__main__ import main
from tts.cli.progress import PATIENCE_S, SpeechProgress
from tts.inference.events import FramesMade, PieceDone, TextBegun
from tts.model.weights import prepare
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.threads import sleep_while_waiting, speaking_threads

ROOT = Path(__file__).parents[1]
# Imports that speaking does not need; torch's compiler alone takes seconds.
NEEDLESS = ("torch._dynamo", "transformers", "gradio", "accelerate", "pypinyin", "av", "fastapi")
SAY = """
import json, sys
from eval.memory import peak_memory_mb
from tts.__main__ import main
code = main(["say", "The train leaves at half past nine.", "-o", sys.argv[1]])
needless = [name for name in sys.argv[2:] if name in sys.modules]
print(json.dumps([code, needless, peak_memory_mb()]))
"""


def test_a_fresh_say_imports_nothing_needless_and_stays_small(tmp_path):
    command = [sys.executable, "-c", SAY, str(tmp_path / "a.wav"), *NEEDLESS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    code, needless, peak = json.loads(done.stdout.splitlines()[-1])
    assert (code, needless) == (0, [])
    # 483 MB with weights 3.0; other builds of torch differ by a few.
    assert sys.platform != "linux" or peak < 505
    assert done.stderr == ""  # no progress where there is no terminal


def test_a_saved_voice_speaks_without_the_encoder():
    synthesizer = Synthesizer.load()
    synthesizer.synthesize("No.", SpeechOptions(seed=1))
    assert all(parameter.is_meta for parameter in synthesizer.codec.encoder.parameters())
    assert all(parameter.is_meta for parameter in synthesizer.codec.decoder.parameters())


def test_a_small_model_takes_one_thread_while_it_speaks(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with speaking_threads(prepare(tiny_model())):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        monkeypatch.setattr("tts.threads.TWO_THREADS_FROM", 1)
        for available, alone, beside in ((2, 2, 2), (8, 8, 4), (1, 1, 1)):
            torch.set_num_threads(available)
            with speaking_threads(prepare(tiny_model())):
                assert torch.get_num_threads() == alone
            with speaking_threads(prepare(tiny_model()), decoding_beside=True):
                assert torch.get_num_threads() == beside
        torch.set_num_threads(2)
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        with speaking_threads(prepare(tiny_model()), decoding_beside=True):
            assert torch.get_num_threads() == 2  # the user has decided
    finally:
        torch.set_num_threads(before)
    sleep_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    sleep_while_waiting()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_a_terminal_sees_how_far_a_long_text_is(tmp_path, monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr("tts.cli.progress.PATIENCE_S", 0)
    monkeypatch.setattr("tts.cli.progress.TERMINAL_EVERY_S", 0)
    monkeypatch.setattr("sys.stderr", terminal)
    out = str(tmp_path / "a.wav")
    assert main(["say", "One. Two. " * 12, "-o", out]) == 0
    assert "speaking: 1 of" in terminal.text
    assert "0:00:0" in terminal.text
    assert terminal.text.endswith("\r")  # the line is taken away
    assert PATIENCE_S >= 2


def test_time_left_goes_by_the_pieces_that_are_through(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("tts.cli.progress.time.monotonic", lambda: clock[0])
    synthesizer = Synthesizer.load()
    pieces = synthesizer.pieces("One two. Three four.", SpeechOptions(max_chars=12))
    progress = SpeechProgress(Terminal())  # type: ignore[arg-type]
    progress.see(TextBegun(pieces))
    assert progress.left_s is None
    clock[0] += 10
    for _ in range(30):
        progress.see(FramesMade(1))
    codes = torch.zeros(4, 30, dtype=torch.int64)
    progress.see(PieceDone(0, pieces[0], codes, codes[0].numpy(), "eos", None, 1, 1.0))
    rest = pieces[1].size / pieces[0].size
    assert progress.left_s == pytest.approx(10 * rest)


def test_processes_are_measured_whole():
    wall, peak, out = run_process([sys.executable, "-c", "import time; time.sleep(.3); print(5)"])
    assert out.strip() == "5"
    assert 0.3 <= wall < 20
    assert peak > 3
    with pytest.raises(RuntimeError, match="exit code 3"):
        run_process([sys.executable, "-c", "raise SystemExit(3)"])
    with busy_cores(1):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("what", ["--cold", "--beside"])
def test_bench_measures_what_a_user_waits_for(what, capsys):
    assert eval_main(["bench", what, "--repeats", "1"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])[what[2:]]
    assert all(value > 0 for value in result.values())
