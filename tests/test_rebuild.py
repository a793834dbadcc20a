"""The commands of docs/training.md, run as written but for seconds instead of hours."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tokenizer.audio import read_audio

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "training.md"
SHORT = {
    "--hours": "0.012",
    "--budget-minutes": "0.02",
    "--unquantized-steps": "1",
    "--batch-size": "2",
    "--listener-steps": "2",
}
PROGRAMS = {"pico-us": "pico2wave", "pico-gb": "pico2wave"}
needs_teachers = pytest.mark.skipif(
    not (shutil.which("flite") and shutil.which("espeak-ng")),
    reason="needs the programs flite and espeak-ng",
)


def commands(page: str) -> list[list[str]]:
    """The indented commands of a page's recipe, lines that end in a backslash joined."""
    joined = page.partition("\n## How the shipped")[0].replace("\\\n", " ")
    return [shlex.split(line) for line in re.findall(r"^    (python -m .*)$", joined, re.M)]


def shortened(command: list[str], folder: Path) -> list[str]:
    """The same command with small budgets, in `folder`, without voices that are not installed."""
    texts = {"TEXT_EN": folder / "en.txt", "TEXT_ZH": folder / "zh.txt"}
    result: list[str] = []
    words = iter(command[1:])
    for word in words:
        if word in SHORT:
            result += [word, SHORT[word]]
            next(words)
        elif word == "--voice":
            voice = next(words)
            if shutil.which(PROGRAMS.get(voice, "flite")):
                result += [word, voice]
        elif word.startswith("runs"):
            result.append(str(folder / word))
        elif word == "tts/pretrained/voices":
            result.append(str(folder / "voices"))
        else:
            result.append(str(texts.get(word, word)))
    if "build" in command:
        # few sentences to choose from are no reason to stop
        result += ["--everyday", "0.5"]
    return [sys.executable, *result]


def test_the_page_has_a_command_for_every_stage() -> None:
    text = "\n".join(" ".join(c) for c in commands(PAGE.read_text("utf-8")))
    for part in (
        "tts.train.corpus build",
        "tts.train labels",
        "--stage mel",
        "--stage wave",
        "--stage gan",
        "tts.train prepare",
        "tts.train run",
        "tts.train voices",
    ):
        assert part in text


@pytest.mark.slow
@needs_teachers
def test_the_recipe_runs_from_nothing(tmp_path: Path) -> None:
    nouns = ("horse", "kitchen", "teacher", "river", "garden", "winter", "letter", "station")
    verbs = ("was found near", "stood behind", "came before", "looked like", "belonged to")
    lines = [f"the {a} {v} the {b}." for a in nouns for v in verbs for b in nouns]
    (tmp_path / "en.txt").write_text("\n".join(lines), "utf-8")
    days, doings = (
        ("今天", "昨天", "明天", "早上", "晚上"),
        ("下雨了", "去学校", "买水果", "看电影"),
    )
    who = ("我们", "他们", "老师", "妈妈", "朋友", "哥哥", "同学", "孩子")
    han = [f"{d}{w}{x}。" for d in days for w in who for x in doings]
    (tmp_path / "zh.txt").write_text("\n".join(han), "utf-8")
    (tmp_path / "voices").mkdir()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}

    for command in commands(PAGE.read_text("utf-8")):
        short = shortened(command, tmp_path)
        done = subprocess.run(
            short, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{shlex.join(short)}\n{done.stdout}\n{done.stderr}"

    assert list((tmp_path / "voices").glob("*.safetensors"))
    assert (tmp_path / "runs" / "lm" / "model.safetensors").is_file()
    codec = str(tmp_path / "runs" / "gan")
    audio = next((tmp_path / "runs" / "en" / "audio").glob("*.flac"))
    codes, wav = tmp_path / "codes.safetensors", tmp_path / "again.wav"
    for verb, given, made in (("encode", audio, codes), ("decode", codes, wav)):
        command = [sys.executable, "-m", "tokenizer", verb, "--model", codec, str(given), str(made)]
        subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
    assert read_audio(wav, 16000).shape[-1] > 0
