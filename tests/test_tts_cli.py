"""`cat-tts` through its `main([...])`: what works, and how it says no."""

from __future__ import annotations

import io
import json
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cli_fixtures import sound_file
from tiny import SAMPLE_RATE, save_tiny, speech_like, tiny_codec
from tokenizer.checkpoint import save_codec
from tts.__main__ import main
from tts.cli import say as cli_say
from tts.cli.say import MAX_TEXT_CHARS, check_text
from tts.synthesizer import SpeechOptions, Synthesizer

Say = Callable[..., int]


@pytest.fixture
def say(place: Path, models: tuple[Path, Path]) -> Say:
    """Run `cat-tts say` on the tiny models."""

    def run(*arguments: str, output: str = "out.wav") -> int:
        model, codec = models
        chosen = ["--model", str(model), "--codec", str(codec), "-o", output]
        # Later options win, so a test may name another model.
        return main(["say", *chosen, *arguments])

    return run


def test_say_writes_a_file_and_reports(say, place, capsys):
    assert say("hello") == 0
    out, _ = capsys.readouterr()
    assert out.startswith("out.wav: ")
    assert "RTF" in out
    assert "first sound after" in out
    assert say("hello. And on.") == 0
    assert "first sound" not in capsys.readouterr().out  # nothing is heard before the end
    assert say("hello") == 0
    wav, rate = soundfile.read(place / "out.wav")
    assert rate == SAMPLE_RATE
    assert np.abs(wav).max() > 0.01
    assert [p.name for p in place.iterdir()] == ["out.wav"]


def test_json_line_and_python_api_agree(say, place, models, capsys):
    arguments = ["--seed", "3", "--num-codebooks", "2", "--voice", "tiny", "--json"]
    assert say("hello", *arguments, output="o.flac") == 0
    out, _ = capsys.readouterr()
    facts = json.loads(out)
    options = SpeechOptions(voice="tiny", seed=3, num_codebooks=2)
    result = Synthesizer.load(*models).synthesize("hello", options)
    expected = {
        "path": "o.flac",
        "seconds": round(result.seconds, 3),
        "frames": result.frames,
        "seed": 3,
        "finished_by": result.finished_by,
        "retries": result.retries,
        "voice": "tiny",
        "num_codebooks": 2,
    }
    assert {key: facts[key] for key in expected} == expected
    assert facts["rtf"] > 0
    assert facts["ttfa_ms"] > 0
    wav, _ = soundfile.read(place / "o.flac", dtype="float32")
    assert np.abs(wav - result.wav).max() < 1e-4


def test_sampling_options_reach_the_model(say, place):
    written = []
    for extra in ([], ["--temperature", "0"], ["--seed", "9"], ["--text-temperature", "4"]):
        assert say("hello there, my good old friends", *extra) == 0
        written.append((place / "out.wav").read_bytes())
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("how", ["dash", "pipe", "file"])
def test_text_from_elsewhere_is_the_same(say, place, monkeypatch, how):
    assert say("hello") == 0
    expected = (place / "out.wav").read_bytes()
    (place / "text.txt").write_text("hello", encoding="utf-8-sig")
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello"))
    arguments = {"dash": ["-"], "pipe": [], "file": ["--file", "text.txt"]}[how]
    assert say(*arguments) == 0
    assert (place / "out.wav").read_bytes() == expected


def test_stereo_prompt_at_another_rate(say, place, capsys):
    wav = speech_like(2.0, 44100)
    prompt = sound_file(place, np.stack([wav, 0.3 * wav], axis=1), 44100)
    assert say("hello", "--prompt-wav", prompt, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["voice"] == "prompt"
    assert "error" not in err


def test_long_prompt_is_cut_and_says_so(say, place, capsys):
    prompt = sound_file(place, speech_like(14.0))
    assert say("hello", "--prompt-wav", prompt, "--prompt-text", "a b c") == 0
    _, err = capsys.readouterr()
    assert "cat-tts: warning: of 14.0 s of speech" in err
    assert "transcript is left aside" in err


def test_what_is_wrong_with_a_recording_is_warned_of(say, place, capsys, models):
    prompt = sound_file(place, np.clip(20 * speech_like(2.0), -1, 1))
    add = ["voice", "add", "loud", prompt, "--model", str(models[0]), "--codec", str(models[1])]
    for run in (lambda: say("hello", "--prompt-wav", prompt), lambda: main(add)):
        assert run() == 0
        assert "cat-tts: warning: clipping of the recording" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([""], ["empty"]),
        (["  \n"], ["empty"]),
        (["?!... --"], ["letter"]),
        (["x" * (MAX_TEXT_CHARS + 1)], ["200001", "200000"]),
        (["hi", "--file", "a.txt"], ["--file"]),
        (["--file", "absent.txt"], ["absent.txt"]),
        (["hi", "--voice", "nobody"], ["nobody", "tiny"]),
        (["hi", "--voice", "../tiny"], ["tiny"]),
        (["hi", "--prompt-wav", "absent.wav"], ["absent.wav", "no such file"]),
        (["hi", "--prompt-wav", "."], ["folder"]),
        (["hi", "--prompt-wav", "a.wav", "--voice", "tiny"], ["--voice"]),
        (["hi", "--prompt-text", "a"], ["--prompt-wav"]),
        (["hi", "--model", "absent"], ["absent", "config.json"]),
        (["hi", "--codec", "absent"], ["absent", "config.json"]),
        (["hi", "--num-codebooks", "0"], ["num_codebooks", "1"]),
        (["hi", "--num-codebooks", "5"], ["num_codebooks", "1..4"]),
        (["hi", "--num-codebooks", "many"], ["invalid int"]),
        (["hi", "--temperature", "-1"], ["temperature"]),
        (["hi", "--temperature", "nan"], ["temperature"]),
        (["hi", "--text-temperature", "6"], ["temperature"]),
        (["hi", "--top-p", "0"], ["top_p"]),
        (["hi", "--top-k", "-1"], ["top_k"]),
        (["hi", "--repetition-penalty", "0"], ["repetition_penalty"]),
        (["hi", "--guidance", "11"], ["guidance is 11", "10"]),
        (["hi", "--seed", "-1"], ["seed"]),
        (["hi", "--lang", "fr"], ["fr"]),
        (["hi", "--device", "abacus"], ["abacus", "cpu"]),
        (["hi", "-o", "out.m4b"], [".m4b", ".wav"]),
        (["hi", "-o", "out"], ["ending", ".wav"]),
        (["hi", "-o", "absent/out.wav"], ["absent", "does not exist"]),
        (["hi", "-o", "/proc/cat-tts.wav"], ["cannot write"]),
        (["hi", "--unheard-of"], ["--unheard-of"]),
    ],
    ids=lambda value: " ".join(value)[:30],
)
def test_bad_input_is_refused(say, refused, arguments, words):
    refused(say(*arguments), *words)


@pytest.mark.parametrize("argv", [[], ["sing"], ["say", "hi"], ["voice"], ["voice", "remove"]])
def test_bad_command_lines_are_refused(refused, argv):
    refused(main(argv))


def test_a_text_that_begins_with_a_dash_says_how(say, refused, capsys):
    refused(say("--soon"), 'behind "--"')
    assert say("--", "--soon") == 0


def test_a_taken_port_is_one_error_line(refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(main(["serve", "--port", port]), f"port {port}", "give another --port")


def test_terminal_without_text_is_refused(say, refused, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    refused(say(), "nothing to say")


@pytest.mark.parametrize(
    ("wav", "word"),
    [
        (speech_like(0.1), "too short: 0.10 s"),
        (speech_like(31.0), "too long"),
        (np.zeros(2 * SAMPLE_RATE, np.float32), "silent"),
        (np.full(2 * SAMPLE_RATE, 0.4, np.float32), "silent"),
        (0.1 * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE), "only noise"),
        (np.pad(speech_like(0.4), 24000), "not silence"),
        (np.zeros(0, np.float32), "no samples"),
    ],
    ids=["short", "long", "silent", "constant", "noise", "mostly-silent", "empty"],
)
def test_useless_prompts_are_refused(say, place, refused, wav, word):
    refused(say("hi", "--prompt-wav", sound_file(place, wav)), "prompt.in", word)


def test_corrupt_prompt_and_text_are_refused(say, place, refused):
    (place / "noise.in").write_bytes(bytes(range(256)) * 40)
    refused(say("hi", "--prompt-wav", "noise.in"), "noise.in", "cannot be read as sound")
    (place / "latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    refused(say("--file", "latin.txt"), "latin.txt", "UTF-8")


def test_truncated_weights_are_refused(say, refused, tmp_path):
    model, _ = save_tiny(tmp_path / "broken")
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    refused(say("hi", "--model", str(model)), "damaged or cut short")


def test_broken_config_is_refused(say, refused, tmp_path):
    model, _ = save_tiny(tmp_path / "broken")
    (model / "config.json").write_text("{")
    refused(say("hi", "--model", str(model)), "config.json")


def test_voice_of_another_tokenizer_is_refused(say, refused, tmp_path):
    save_codec(tiny_codec(seed=1), tmp_path / "other")
    refused(say("hi", "--codec", str(tmp_path / "other")), "another tokenizer")


def test_notes_of_the_front_end_are_told(say, capsys):
    assert say("hello \U0001f600 there", "--json") == 0
    out, err = capsys.readouterr()
    notes = json.loads(out)["notes"]
    assert notes
    for note in notes:
        assert f"cat-tts: warning: {note}" in err


def test_a_growing_file_and_a_pipe_hold_the_same_sound(say, place, models, capsysbinary):
    assert say("hello there.", "--stream", "--seed", "3") == 0
    assert b"first sound after" in capsysbinary.readouterr().out
    wav, rate = soundfile.read(place / "out.wav", dtype="int16")
    assert rate == SAMPLE_RATE
    assert say("hello there.", "--seed", "3", output="-") == 0
    out, err = capsysbinary.readouterr()
    assert np.array_equal(np.frombuffer(out, "<i2"), wav)
    assert b"first sound after" in err
    options = SpeechOptions(voice="tiny", seed=3)
    chunks = list(Synthesizer.load(*models).stream("hello there.", options))
    whole = np.concatenate([c.wav for c in chunks])
    assert np.abs(wav / 32767 - whole).max() < 1e-4
    assert len(chunks) > 1


def test_only_wav_can_grow(say, refused):
    refused(say("hi", "--stream", output="out.mp3"), ".wav", "'-'")


def test_the_embedded_model_takes_no_duration(say, refused):
    refused(say("hi", "--duration", "20"), "duration", "published")


def test_existing_file_survives_a_failure(say, place):
    (place / "out.wav").write_bytes(b"precious")
    assert say("?!") == 2
    assert (place / "out.wav").read_bytes() == b"precious"


@pytest.mark.parametrize("where", ["Synthesizer.synthesize", "fsync"])
def test_interrupt_leaves_nothing(say, place, monkeypatch, capsys, where):
    def interrupt(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    if where == "fsync":
        monkeypatch.setattr("os.fsync", interrupt)
    else:
        monkeypatch.setattr(cli_say.Synthesizer, "synthesize", interrupt)
    assert say("hello") == 130
    out, err = capsys.readouterr()
    assert (out, err) == ("", "cat-tts: interrupted\n")
    assert list(place.iterdir()) == []


def test_hundred_kilobytes_are_allowed():
    text = "This is one more sentence of a long book. " * 2500
    assert len(text) > 100_000
    assert check_text(text) == text


def test_several_sentences_become_one_file(say, capsys):
    assert say("One. Two. Three.", "--json") == 0
    three = json.loads(capsys.readouterr().out)
    assert say("One.", "--json") == 0
    one = json.loads(capsys.readouterr().out)
    assert three["frames"] > one["frames"]
    # Two pauses stand between three pieces.
    assert three["seconds"] > three["frames"] * 0.08 + 0.1


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from tts.__main__ import main\n"
        "try: main(['say', '--help'])\n"
        "except SystemExit as leaving: assert leaving.code == 0\n"
        "heavy = {'torch', 'numpy', 'soundfile', 'safetensors', 'tts.synthesizer'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    root = Path(__file__).parents[1]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--prompt-wav" in done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, so that other processes do not count.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
