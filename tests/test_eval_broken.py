"""Each way an output can be bad is caught by the metric that is there for it.

Real speech of two speakers (see eval_audio/README.md), heard by pocketsphinx, compared by
resemblyzer, through the command that scores the files of any system.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.audio import read_wav, write_wav

AUDIO = Path(__file__).parent / "eval_audio"
TEXT = "Nobody could find the right key."
CASES = ("good", "silence", "noise", "wrong_sentence", "other_speaker", "missing", "unreadable")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("broken")
    wavs = folder / "wavs"
    wavs.mkdir()
    for case, clip in (
        ("good", "rms-key"),
        ("wrong_sentence", "rms-dishes"),
        ("other_speaker", "slt-key"),
    ):
        write_wav(wavs / f"{case}.wav", *read_wav(AUDIO / f"{clip}.ogg"))
    noise = np.random.default_rng(0).standard_normal(2 * 16000).astype(np.float32)
    write_wav(wavs / "noise.wav", 0.1 * noise, 16000)
    write_wav(wavs / "silence.wav", np.zeros(2 * 16000, np.float32), 16000)
    (wavs / "unreadable.wav").write_bytes((wavs / "good.wav").read_bytes()[:30])
    shutil.copy(AUDIO / "rms-birds.ogg", folder / "prompt.ogg")
    meta = folder / "meta.lst"
    prompt = "The birds were singing in the tall trees.|prompt.ogg"
    meta.write_text("".join(f"{case}|{prompt}|{TEXT}\n" for case in CASES))
    out = folder / "out"
    assert main(["seed-tts", str(meta), "--out", str(out), "--wavs", str(wavs)]) == 0
    found = (out / "utterances.jsonl").read_text().splitlines()
    return {line["utt"]: line for line in map(json.loads, found)}


def test_all_are_listed(lines: dict[str, dict]):
    assert tuple(lines) == CASES


def test_good_speech_passes_both(lines: dict[str, dict]):
    assert lines["good"]["wer"] == 0
    assert lines["good"]["sim"] > 0.75
    assert lines["good"]["problems"] == []


def test_silence(lines: dict[str, dict]):
    assert lines["silence"]["wer"] == 1
    assert lines["silence"]["sim"] is None
    assert "silent" in lines["silence"]["problems"]


def test_noise(lines: dict[str, dict]):
    assert lines["noise"]["wer"] >= 0.8
    sim = lines["noise"]["sim"]
    assert sim is None or sim < lines["good"]["sim"] - 0.15


def test_wrong_sentence_is_a_matter_of_words_alone(lines: dict[str, dict]):
    assert lines["wrong_sentence"]["wer"] >= 0.8
    assert lines["wrong_sentence"]["sim"] > 0.75


def test_swapped_speaker_is_a_matter_of_the_voice_alone(lines: dict[str, dict]):
    assert lines["other_speaker"]["wer"] <= 0.34
    assert lines["other_speaker"]["sim"] < lines["good"]["sim"] - 0.1


@pytest.mark.parametrize("case", ["missing", "unreadable"])
def test_no_file_is_all_wrong(lines: dict[str, dict], case: str):
    line = lines[case]
    assert (line["wer"], line["deletions"], line["sim"]) == (1, 6, None)
    assert f"{case}.wav" in line["problems"][0]
