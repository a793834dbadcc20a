"""The benchmark from meta file to report, on the tiny model and a tiny random Whisper."""

import json
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.audio import write_wav
from eval.commands import seed_tts
from eval.metrics.mos import load_rater
from eval.shards import Shard
from eval.systems import stages
from eval.systems.meta import MetaItem, read_meta
from eval.systems.sources import Speech
from eval.systems.systems import Job, ModelHandle, ModelSystem, prompt_voice
from test_eval_asr import save_tiny_whisper
from tiny import save_tiny, speech_like, tiny_codec
from tokenizer.checkpoint import save_codec
from tts.inference.prompt_builders import SpeechOptions

TEXTS = ("One two three.", "Four five.", "Six seven eight nine.")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that choose the tiny model and the tiny listener."""
    folder = tmp_path_factory.mktemp("models")
    model, _ = save_tiny(folder)
    save_codec(tiny_codec(), model / "codec")
    save_tiny_whisper(folder / "whisper")
    return ["--model", str(model), "--asr", f"whisper:{folder / 'whisper'}"]


@pytest.fixture
def meta(tmp_path: Path) -> Path:
    """Three items with prompt and recording."""
    lines = []
    for i, text in enumerate(TEXTS):
        for name in ("prompt", "truth"):
            wav = speech_like(1.5 + 0.1 * i, seed=i)
            write_wav(
                tmp_path / "data" / f"{name}{i}.wav", wav if name == "prompt" else wav / 2, 24000
            )
        lines.append(f"u{i}|A prompt.|prompt{i}.wav|{text}|truth{i}.wav\n")
    path = tmp_path / "data" / "meta.lst"
    path.write_text("".join(lines))
    return path


def _files(folder: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def _result(text: str) -> dict:
    return json.loads(text.splitlines()[-1])


def _lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "utterances.jsonl").read_text().splitlines()]


def test_end_to_end_and_again(meta: Path, models: list[str], tmp_path: Path, capsys):
    out = tmp_path / "out"
    argv = ["seed-tts", str(meta), "--out", str(out), *models, "--mode", "clone", "continuation"]
    argv += ["--num-codebooks", "4", "2", "--seeds", "2", "--best-of"]
    assert main(argv) == 0
    result = _result(capsys.readouterr().out)
    modes = ("clone", "continuation")
    keys = [f"{m}-k{k}{b}" for m in modes for k in (2, 4) for b in ("", "-best2")]
    assert [r["key"] for r in result["rows"]] == [
        "truth",
        "resynthesis-k2",
        "resynthesis-k4",
        *keys,
    ]
    outputs = {r["key"]: r["num_outputs"] for r in result["rows"]}
    assert (outputs["truth"], outputs["clone-k4"], outputs["clone-k4-best2"]) == (3, 6, 3)
    assert result["computed"]["spoken"] == 2 * 3 + 4 * 6
    lines = _lines(out)
    assert len(lines) == 3 + 2 * 3 + 4 * (6 + 3)
    assert {line["text"] for line in lines} == set(TEXTS)
    for line in lines:
        assert line["wer"] is not None
        assert (out / line["wav"]).is_file()
    by_seed = next(r for r in result["rows"] if r["key"] == "clone-k4")["wer_percent_by_seed"]
    assert set(by_seed) == {"0", "1"}
    assert json.loads((out / "summary.json").read_text())["rows"] == result["rows"]
    # The tiny folder of weights cannot say which Whisper it is; the stand-in SIM is called so.
    report = (out / "report.md").read_text()
    assert "sha256" in report
    assert "stand-in" in report
    for word in ("heard / skipped", "above 50 %", "official", "corpus", "standard deviation"):
        assert word in report
    before = _files(out)
    assert main(argv) == 0
    captured = capsys.readouterr()
    assert "nothing was left to do" in captured.out
    assert captured.err == ""
    again = _result(captured.out)
    assert set(again["computed"].values()) == {0}
    assert again["rows"] == result["rows"]
    assert _files(out) == before


class _Killed(BaseException):
    """Ends a run from within, as a signal would."""


def test_an_interrupted_run_goes_on_and_ends_as_an_uninterrupted_one(
    meta: Path, models: list[str], tmp_path: Path, capsys, monkeypatch
):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main(["seed-tts", str(meta), "--out", str(whole), *models]) == 0
    capsys.readouterr()
    keep, calls = stages._keep, []

    def failing(job, *rest):
        calls.append(job)
        if len(calls) == 5:
            raise _Killed
        return keep(job, *rest)

    # Three copies are kept by then, and one of the three spoken.
    monkeypatch.setattr(stages, "_keep", failing)
    argv = ["seed-tts", str(meta), "--out", str(parts), *models]
    with pytest.raises(_Killed):
        main(argv)
    from eval.systems.asr import WhisperListener

    hear, heard = WhisperListener.transcribe, []

    def failing_ear(self, wav, rate):
        heard.append(rate)
        if len(heard) == 4:
            raise _Killed
        return hear(self, wav, rate)

    monkeypatch.setattr(WhisperListener, "transcribe", failing_ear)
    with pytest.raises(_Killed):
        main(argv)
    assert len(calls) == 7
    assert len(set(calls)) == 6
    assert not (parts / "summary.json").exists()
    capsys.readouterr()
    assert main(argv) == 0
    result = _result(capsys.readouterr().out)
    # 3 items of 3 systems, of which 3 had been heard before the second interruption.
    assert result["computed"] == {"spoken": 0, "heard": 6, "embedded": 12, "rated": 0}
    for name in ("utterances.jsonl", "summary.json", "report.md"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    assert not list(parts.rglob("*.part"))


def test_only_what_changed_is_made_again(meta: Path, models: list[str], tmp_path: Path, capsys):
    out = tmp_path / "out"
    argv = ["seed-tts", str(meta), "--out", str(out), *models, "--sim", "none"]
    assert main(argv) == 0
    capsys.readouterr()
    folder = out / "wavs" / "clone-k4" / "seed0"
    first = (folder / "u0.wav").read_bytes()
    (folder / "u0.wav").write_bytes(first[:-100])  # damaged
    (folder / "u1.json").unlink()  # killed between sound and record
    (folder / "u2.json").write_text('{"key": ')  # no JSON
    assert main(argv) == 0
    assert _result(capsys.readouterr().out)["computed"] == {
        **{"spoken": 3, "heard": 0, "embedded": 0, "rated": 0}
    }
    assert (folder / "u0.wav").read_bytes() == first
    # Another text for one item: said anew, heard anew, and nothing else.
    meta.write_text(meta.read_text().replace(TEXTS[1], "Something else."))
    assert main(argv) == 0
    computed = _result(capsys.readouterr().out)["computed"]
    assert (computed["spoken"], computed["heard"]) == (1, 1)
    # Another recording: only the resynthesis depends on it.
    write_wav(meta.parent / "truth2.wav", speech_like(1.1, seed=9), 24000)
    assert main(argv) == 0
    computed = _result(capsys.readouterr().out)["computed"]
    assert (computed["spoken"], computed["heard"]) == (1, 2)


def test_many_at_once_sound_as_each_alone(meta: Path, models: list[str]):
    handle = ModelHandle(models[1])
    system = ModelSystem(handle, "clone", 4, "en")
    text, prompt = "One cat. Two dogs sat down. Three birds flew.", meta.parent / "prompt0.wav"
    items = [*read_meta(meta), MetaItem("long", text, "A prompt.", prompt)]
    jobs = [Job(system.key, item, seed) for seed in (0, 1) for item in items]
    together = dict(system.speak(jobs))
    assert set(together) == set(jobs)
    for job in jobs:
        voice, _ = prompt_voice(handle.synthesizer, job.item, "clone")
        options = SpeechOptions(voice=voice, lang="en", seed=job.seed, num_codebooks=4)
        alone = handle.synthesizer.synthesize(job.item.text, options)
        speech = together[job]
        assert isinstance(speech, Speech)
        assert np.array_equal(speech.wav, alone.wav)
        assert speech.finished_by == alone.finished_by


def test_a_missing_judge_is_told_before_anything_is_spoken(
    meta: Path, models: list[str], tmp_path: Path, capsys, monkeypatch
):
    out = tmp_path / "out"
    for options in (["--asr", f"whisper:{tmp_path}"], ["--mos", "dnsmos"]):
        monkeypatch.setitem(sys.modules, "speechmos.dnsmos", None)
        load_rater.cache_clear()
        assert main(["seed-tts", str(meta), "--out", str(out), *models, *options]) == 2
        assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
        assert not out.exists()


@pytest.mark.parametrize("damaged", ["model", "codec", "whisper"])
def test_a_damaged_checkpoint_is_one_line(
    damaged: str, meta: Path, models: list[str], tmp_path: Path, capsys
):
    copied = {"model": Path(models[1]), "whisper": Path(models[3].partition(":")[2])}
    for name, folder in copied.items():
        shutil.copytree(folder, tmp_path / name)
    folder = {"codec": tmp_path / "model/codec"}.get(damaged, tmp_path / damaged)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:3000])
    options = ["--model", str(tmp_path / "model"), "--asr", f"whisper:{tmp_path / 'whisper'}"]
    out = tmp_path / "out"
    assert main(["seed-tts", str(meta), "--out", str(out), *options]) == 2
    # Listeners show how far they are loaded; of the error there is one line, the last.
    *shown, last = capsys.readouterr().err.splitlines()
    assert last.startswith("error: ")
    assert str(folder) in last
    assert not [line for line in shown if line.startswith(("error", "Traceback"))]
    assert not list(out.rglob("*.json"))


def test_prompts_out_of_the_models_range_are_named(models: list[str], tmp_path: Path, capsys):
    write_wav(tmp_path / "long.wav", speech_like(14.0), 24000)
    meta = tmp_path / "meta.lst"
    meta.write_text("long|Yes.|long.wav|One two.\n")
    argv = ["seed-tts", str(meta), "--out", str(tmp_path / "out"), *models]
    for _ in range(2):
        assert main(argv) == 0
        (line,) = _lines(tmp_path / "out")
        assert "s of speech in the prompt only the first" in line["problems"][0]


class _NoWait(Shard):
    """A process that need not wait, since the others have run before it."""

    def wait(self) -> None:
        pass


@pytest.mark.parametrize("count", [2, 3])
def test_results_do_not_depend_on_the_number_of_processes(
    count: int, meta: Path, models: list[str], tmp_path: Path, capsys
):
    argv = [str(meta), *models, "--seeds", "2"]
    files = ("utterances.jsonl", "summary.json", "report.md", "report.html")
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    seed_tts.run(seed_tts.build_parser().parse_args([*argv, "--out", str(alone)]), Shard())
    computed = _result(capsys.readouterr().out)["computed"]
    for index in reversed(range(count)):
        args = seed_tts.build_parser().parse_args([*argv, "--out", str(shared)])
        assert seed_tts.run(args, _NoWait(index, count)) == 0
    last = _result(capsys.readouterr().out)["computed"]
    # The first process did its part and no more.
    assert 0 < last["spoken"] < computed["spoken"]
    for name in files:
        assert (shared / name).read_bytes() == (alone / name).read_bytes(), name


def test_shards_cover_everything_once():
    items = list(range(11))
    for count in (1, 2, 3, 5, 20):
        parts = [Shard(i, count).take(items) for i in range(count)]
        assert sorted(item for part in parts for item in part) == items
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert Shard(3, 4, 1).device("cuda") == "cuda:1"
    assert Shard(3, 4, 1).device("cpu") == "cpu"
    assert Shard().device("cuda") == "cuda"
    with pytest.raises(ValueError, match="shard 4 of 4"):
        Shard(4, 4)


def test_what_cannot_be_said_counts_as_all_wrong(
    models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_wav(tmp_path / "short.wav", speech_like(0.3), 24000)
    write_wav(tmp_path / "good.wav", speech_like(1.5), 24000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF and so on")
    meta = tmp_path / "meta.lst"
    meta.write_text(
        "good|Yes.|good.wav|One two.|good.wav\n"
        "short|Yes.|short.wav|One two.|none.wav\n"
        "broken|Yes.|broken.wav|One two.|broken.wav\n"
        "missing|Yes.|none.wav|One two.\n"
    )
    out = tmp_path / "out"
    argv = ["seed-tts", str(meta), "--out", str(out), *models, "--mode", "clone", "continuation"]
    assert main(argv) == 0
    result = _result(capsys.readouterr().out)
    rows = {r["key"]: r for r in result["rows"]}
    lines = {(line["system"], line["utt"]): line for line in _lines(out)}
    assert rows["clone-k4"]["num_failed"] == 3
    assert (rows["clone-k4"]["wer"]["num_utterances"], rows["clone-k4"]["num_skipped"]) == (4, 0)
    for utt, why in (("short", "too short"), ("broken", "broken.wav"), ("missing", "none.wav")):
        line = lines["clone-k4", utt]
        assert (line["wer"], line["transcript"], line["sim"]) == (1.0, "", None)
        assert why in line["problems"][0]
        assert f"| clone-k4 | {utt} | 0 | " in (out / "report.md").read_text()
    assert "none.wav" in lines["truth", "short"]["problems"][0]
    # The line of "missing" names no recording: no failure of the recordings.
    assert ("truth", "missing") not in lines
    assert (rows["truth"]["num_outputs"], rows["truth"]["num_failed"]) == (3, 2)
    # A failure is remembered as well.
    assert main(argv) == 0
    assert "nothing was left to do" in capsys.readouterr().out


def test_other_systems_files_and_fewer_fields(models: list[str], tmp_path: Path, capsys):
    meta = tmp_path / "meta.lst"
    meta.write_text("a|One two.\nb.wav|Three four.|prompt.wav\n")
    write_wav(tmp_path / "prompt.wav", speech_like(1.5), 24000)
    for utt in "ab":
        write_wav(tmp_path / "theirs" / f"{utt}.wav", speech_like(1.2, seed=ord(utt)), 24000)
    out = tmp_path / "out"
    wavs = ["--wavs", str(tmp_path / "theirs"), *models[2:]]
    assert main(["seed-tts", str(meta), "--out", str(out), *wavs]) == 0
    (row,) = _result(capsys.readouterr().out)["rows"]
    assert (row["key"], row["num_outputs"], row["num_sim"]) == ("wavs", 2, 1)
    # Without a prompt the model takes a voice by name, and cannot continue.
    assert main(["seed-tts", str(meta), "--out", str(out), *models, "--mode", "continuation"]) == 0
    (row,) = _result(capsys.readouterr().out)["rows"]
    assert row["num_failed"] == 2


class _Page(HTMLParser):
    """Collects what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def test_report_page_stands_alone(meta: Path, models: list[str], tmp_path: Path):
    meta.write_text(meta.read_text().replace("One two three.", "<b>One</b> & two."))
    out = tmp_path / "out folder"
    assert main(["seed-tts", str(meta), "--out", str(out), *models]) == 0
    html = (out / "report.html").read_text()
    page = _Page()
    page.feed(html)
    # Three players for each of the three worst: output, prompt, recording.
    assert page.tags.count("audio") == 9
    assert len(page.sources) == 9
    assert all((out / source).is_file() for source in page.sources)
    assert "b" not in page.tags
    assert "&lt;b&gt;One&lt;/b&gt; &amp; two." in html
    charts = html.split("<svg")[1:]
    # Sorted rates of all, rates of the model, SIM of three systems.
    assert len(charts) == 5
    for chart in charts:
        ElementTree.fromstring("<svg" + chart.split("</svg>")[0] + "</svg>")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--seeds", "0"], "--seeds is 0"),
        (["--best-of"], "--best-of needs"),
        (["--num-codebooks", "5"], "this model has 1..4"),
        (["--limit", "0"], "limit is 0"),
        (["--asr", "ears"], "unknown listener"),
        (["--sim", "eyes"], "unknown speaker encoder"),
        (["--mos", "utmos"], "unknown rater"),
        (["--lang", "zh", "--asr", "pocketsphinx"], "English only"),
        (["--wavs", "nowhere"], "is not a folder"),
        (["--model", "nowhere"], "no model at nowhere"),
    ],
)
def test_bad_options_are_refused_before_anything_is_made(
    options: list[str], match: str, meta: Path, models: list[str], tmp_path: Path, capsys
):
    out = tmp_path / "out"
    assert main(["seed-tts", str(meta), "--out", str(out), *models, *options]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert match in err
    assert len(err.splitlines()) == 1
    assert not out.exists()
