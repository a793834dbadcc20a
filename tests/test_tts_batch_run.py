"""`cat-tts batch` through its `main([...])`: runs, resumes, and what goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from batching import (
    ROWS,
    Batch,
    arguments,
    contents,
    environment,
    ledger_lines,
    make_home,
    strays,
)
from tiny import SAMPLE_RATE, speech_like
from tts.batch.render import ItemRenderer
from tts.batch.store import Store
from tts.synthesizer import Synthesizer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def batch(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Batch:
    monkeypatch.setenv("CAT_TTS_HOME", str(home / "home"))
    return Batch(home, tmp_path, capsys)


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """inode and time of every output: neither changes unless it is written anew."""
    paths = [path for path in (folder / "wavs").rglob("*") if path.is_file()]
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def test_a_run_and_its_resume(batch, tmp_path, monkeypatch):
    code, err = batch(ROWS)
    assert (code, "6 items, 0 done, 6 to do" in err) == (0, True)
    out = tmp_path / "out"
    assert set(contents(out)) == {"metadata.csv", *(f"wavs/i{n}.wav" for n in range(6))}
    assert [line["status"] for line in ledger_lines(out)] == ["done"] * 6
    assert strays(out) == []
    before = written(out)
    # The second time nothing is loaded, and nothing written but the summary.
    monkeypatch.setattr(Synthesizer, "load", None)
    code, err = batch(ROWS)
    assert (code, "6 items, 6 done, 0 to do" in err) == (0, True)
    assert written(out) == before
    assert len(ledger_lines(out)) == 6
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["done"], summary["failed"], summary["left"]) == (6, 0, 0)
    seconds = sum(len(soundfile.read(out / f"wavs/i{n}.wav")[0]) for n in range(6)) / SAMPLE_RATE
    assert summary["audio_hours"] == pytest.approx(seconds / 3600, abs=1e-5)


def test_wavs_are_what_the_python_api_speaks(batch, tmp_path, home):
    batch(ROWS)
    from tts.synthesizer import SpeechOptions

    said = Synthesizer.load(home / "model").synthesize(
        ROWS[3]["text"], SpeechOptions(voice="tiny", seed=3)
    )
    wav, rate = soundfile.read(tmp_path / "out/wavs/i3.wav", dtype="float32")
    assert rate == SAMPLE_RATE
    assert np.abs(wav - said.wav).max() < 1e-4


def test_changed_rows_are_redone_and_removed_ones_told(batch, tmp_path):
    batch(ROWS)
    before = written(tmp_path / "out")
    rows = [dict(row) for row in ROWS[:-1]]
    rows[1]["text"] = "Another text."
    rows[2]["seed"] = 99
    rows.append({"id": "new", "text": "New."})
    code, err = batch(rows)
    assert code == 0
    assert "6 items, 3 done, 3 to do; 2 changed since they were done" in err
    assert "1 in the ledger are not in the manifest: i5" in err
    after = written(tmp_path / "out")
    kept = {name for name in after if after[name] == before.get(name)}
    assert kept == {"i0.wav", "i3.wav", "i4.wav", "i5.wav"}
    listed = (tmp_path / "out/metadata.csv").read_text().splitlines()
    assert [line.split("|")[0] for line in listed] == ["i0", "i1", "i2", "i3", "i4", "new"]
    # Back to the first text: the wav is that of the other one now, whatever the ledger once said.
    batch(ROWS)
    fresh = batch(ROWS, output="fresh")
    assert fresh[0] == 0
    names = [f"wavs/i{n}.wav" for n in range(6)]
    out, other = contents(tmp_path / "out"), contents(tmp_path / "fresh")
    assert [out[name] for name in names] == [other[name] for name in names]


def test_another_format_replaces_the_file(batch, tmp_path):
    batch(ROWS[:2])
    code, err = batch(ROWS[:2], "--format", "flac")
    assert (code, "2 changed" in err) == (0, True)
    assert set(contents(tmp_path / "out")) == {"metadata.csv", "wavs/i0.flac", "wavs/i1.flac"}


def test_lost_and_damaged_outputs_are_made_again(batch, tmp_path):
    batch(ROWS)
    wavs = tmp_path / "out/wavs"
    good = contents(tmp_path / "out")
    (wavs / "i0.wav").unlink()
    (wavs / "i1.wav").write_bytes(b"short")
    facts = (wavs / "i2.wav").stat()
    (wavs / "i2.wav").write_bytes(bytes(facts.st_size))
    assert "3 outputs are gone or damaged" in batch(ROWS)[1]
    assert contents(tmp_path / "out") == good
    # Size and time alone do not tell this one; --verify does.
    facts = (wavs / "i3.wav").stat()
    (wavs / "i3.wav").write_bytes(bytes(facts.st_size))
    os.utime(wavs / "i3.wav", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert "6 done" in batch(ROWS)[1]
    assert "1 outputs are gone or damaged" in batch(ROWS, "--verify")[1]
    assert contents(tmp_path / "out") == good


def test_a_copied_folder_goes_on(batch, tmp_path):
    batch(ROWS[:4])
    shutil.copytree(tmp_path / "out", tmp_path / "copy", copy_function=shutil.copyfile)
    assert "6 items, 4 done, 2 to do" in batch(ROWS, output="copy")[1]


@pytest.mark.parametrize("size", ["1", "3"])
def test_result_does_not_depend_on_batch_order_or_threads(batch, tmp_path, size):
    batch(ROWS)
    batch(ROWS[::-1], "--batch-size", size, "--writers", "5", output="other")
    one, other = contents(tmp_path / "out"), contents(tmp_path / "other")
    assert sorted(one.pop("metadata.csv").splitlines()) == sorted(
        other.pop("metadata.csv").splitlines()
    )
    assert one == other


def test_rows_with_all_that_a_row_can_say(batch, tmp_path):
    soundfile.write(tmp_path / "p.wav", speech_like(2.0), SAMPLE_RATE)
    rows = [
        {"id": "a", "text": "One.", "format": "mp3", "num_codebooks": 2},
        {"id": "b", "text": "Two.", "format": "opus", "temperature": 0.9, "top_k": 3},
        {"id": "c", "text": "三。", "lang": "zh", "format": "flac"},
        {"id": "d", "text": "Four. Five.", "prompt_wav": "p.wav", "prompt_text": "said"},
        {"id": "e", "text": "Six.", "prompt_wav": "p.wav", "format": "ogg"},
    ]
    listings = ("--listing", "kaldi", "--listing", "ljspeech")
    assert batch(rows, "--srt", *listings)[0] == 0
    out = tmp_path / "out"
    names = {"wavs/a.mp3", "wavs/b.opus", "wavs/c.flac", "wavs/d.wav", "wavs/e.ogg"}
    kaldi = {f"kaldi/{name}" for name in ("wav.scp", "text", "utt2spk", "spk2utt")}
    srt = {f"srt/{row['id']}.srt" for row in rows}
    assert set(contents(out)) == names | kaldi | srt | {"metadata.csv"}
    for name in names:
        assert len(soundfile.read(out / name)[0]) > 0
    assert (out / "srt/d.srt").read_text().count("-->") == 2
    assert len(list((out / ".cat-tts/prompts").iterdir())) == 2
    assert batch(rows, "--srt", *listings, output="other")[0] == 0
    assert contents(out) == contents(tmp_path / "other")


def test_codes_only_in_shards(batch, tmp_path):
    from tokenizer.codes import load_codes

    assert batch(ROWS, "--codes-only", "--shards", "3", "--listing", "none")[0] == 0
    files = sorted((tmp_path / "out").rglob("*.safetensors"))
    files = [path for path in files if ".cat-tts" not in path.parts]
    assert {path.stem for path in files} == {row["id"] for row in ROWS}
    assert {path.parent.parent.name for path in files} == {"codes"}
    stored = load_codes(files[0])
    assert stored.codes.shape[0] == 4
    assert stored.metadata["transcript"].startswith("Sentence")
    assert not (tmp_path / "out/wavs").exists()


def test_failures_are_records_and_exit_code_3(batch, tmp_path, monkeypatch):
    rows = [*ROWS[:2], {"id": "bad", "text": "—a—", "voice": "tiny"}]
    pieces = Synthesizer.pieces

    def refuse(self, text, options):
        if text == "—a—":
            raise ValueError("cannot be said")
        return pieces(self, text, options)

    monkeypatch.setattr(Synthesizer, "pieces", refuse)
    assert batch(rows)[0] == 3
    line = next(line for line in ledger_lines(tmp_path / "out") if line["id"] == "bad")
    assert (line["status"], line["reason"], line["lasting"]) == ("failed", "cannot be said", True)
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["failures"] == {"bad": "cannot be said"}
    assert (summary["done"], summary["failed"]) == (2, 1)
    # It would fail again, so it is left alone until someone asks.
    code, err = batch(rows)
    assert (code, "0 to do; 1 failed before" in err) == (3, True)
    monkeypatch.setattr(Synthesizer, "pieces", pieces)
    assert batch(rows)[0] == 3
    assert batch(rows, "--retry-failed")[0] == 0
    assert batch(rows)[0] == 0


def test_a_prompt_deleted_in_mid_run_fails_its_items_alone(batch, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "p.wav", speech_like(2.0), SAMPLE_RATE)
    rows = [*ROWS[:3], {"id": "p", "text": "a", "prompt_wav": "p.wav"}]
    render = ItemRenderer.render

    def deleting(self, items, stopped):
        (tmp_path / "p.wav").unlink(missing_ok=True)
        return render(self, items, stopped)

    monkeypatch.setattr(ItemRenderer, "render", deleting)
    assert batch(rows)[0] == 3
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["done"] == 3
    assert "p.wav" in summary["failures"]["p"]
    # Once it is back, the same command does the rest.
    monkeypatch.setattr(ItemRenderer, "render", render)
    soundfile.write(tmp_path / "p.wav", speech_like(2.0), SAMPLE_RATE)
    code, err = batch(rows)
    assert (code, "4 items, 3 done, 1 to do" in err) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_writes_what_it_has_and_goes_on(batch, tmp_path, monkeypatch, number):
    render = ItemRenderer.render

    def interrupted(self, items, stopped):
        for done, result in enumerate(render(self, items, stopped)):
            yield result
            if done == 1:
                os.kill(os.getpid(), number)

    monkeypatch.setattr(ItemRenderer, "render", interrupted)
    code, err = batch(ROWS, "--batch-size", "1")
    assert code == 130
    assert "start the same command again to go on" in err
    assert len(ledger_lines(tmp_path / "out")) == 2
    assert strays(tmp_path / "out") == []
    monkeypatch.setattr(ItemRenderer, "render", render)
    assert batch(ROWS)[0] == 0
    assert len(ledger_lines(tmp_path / "out")) == 6
    batch(ROWS, output="undisturbed")
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_two_runs_in_one_folder_are_refused(batch, tmp_path):
    store = Store(tmp_path / "out")
    code, err = batch(ROWS)
    assert (code, "another run is at work" in err) == (2, True)
    store.close()
    assert batch(ROWS)[0] == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--voice", "nobody"], ["nobody", "tiny"]),
        (["--model", "absent"], ["absent", "config.json"]),
        (["--batch-size", "0"], ["--batch-size is 0", "1 or more"]),
        (["--retries", "-1"], ["--retries"]),
        (["--max-silence", "nan"], ["--max-silence"]),
        (["--shards", "0"], ["--shards"]),
        (["--writers", "0"], ["--writers"]),
        (["--seed", "-1"], ["seed"]),
        (["--num-codebooks", "0"], ["--num-codebooks"]),
        (["--temperature", "9"], ["temperature is 9"]),
        (["--codes-only", "--srt"], ["--srt"]),
        (["--format", "m4a"], ["m4a"]),
        (["--device", "abacus"], ["abacus"]),
        (["-o", "/proc/cat-tts"], ["cannot write"]),
        (["-o", "/dev/null/x"], ["cannot write"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_input_is_refused(batch, tmp_path, more, words):
    code, err = batch(ROWS[:1], *more)
    assert code == 2
    last = err.splitlines()[-1]
    assert last.startswith("cat-tts: error: ")
    for word in words:
        assert word in last
    assert strays(tmp_path / "out") == []
    assert ledger_lines(tmp_path / "out") == []


def test_help_imports_nothing_heavy(home):
    code = (
        "import sys; from tts.__main__ import main\n"
        "try: main(['batch', '--help'])\n"
        "except SystemExit as leaving: assert leaving.code == 0\n"
        "heavy = {'torch', 'numpy', 'soundfile', 'safetensors', 'tts.synthesizer'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "exit codes" in done.stdout


def test_a_finished_run_starts_without_torch(batch, home, tmp_path):
    batch(ROWS)
    command = [str(a) for a in arguments(home, tmp_path / "m.jsonl", tmp_path / "out")]
    code = (
        f"import sys; from tts.__main__ import main\ncode = main({command!r})\n"
        "sys.exit('torch' in sys.modules and 'torch was imported' or code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "6 done" in done.stderr
