"""`cat-tts voice` and `cat-tts doctor` through `main([...])`."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from cli_fixtures import sound_file
from tiny import speech_like, tiny_codec
from tokenizer.checkpoint import save_codec
from tts.__main__ import main
from tts.voices import load_voice


def test_voice_add_list_remove(place, models, capsys):
    wav = sound_file(place, speech_like(2.0))
    add = ["voice", "add", "me", wav, "--text", "你好", "--codec", str(models[1])]
    assert main([*add, "--gender", "f", "--accent", "Wu", "--description", "calm"]) == 0
    capsys.readouterr()
    assert main(["voice", "list", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(v["name"], v["lang"]) for v in listed] == [("me", "zh"), ("tiny", "en")]
    assert listed[0]["transcript"] == "你好"
    assert listed[0]["frames"] == 25
    # the name of the file, not where it lay on somebody's disk
    assert load_voice("me").source == Path(wav).name
    assert main(["voice", "list"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert (line.split()[0], line.split("  ")[-1].strip()) == ("me", "woman, Wu, calm")
    assert main(["voice", "remove", "me"]) == 0
    capsys.readouterr()
    assert main(["voice", "list", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_voice_add_refuses(place, models, refused):
    wav = sound_file(place, speech_like(2.0))

    def add(name: str, path: str) -> int:
        return main(["voice", "add", name, path, "--codec", str(models[1])])

    refused(add("Me Too", wav), "a-z")
    refused(add("tiny", wav), "exists already")
    refused(add("me", "absent.wav"), "no such file")
    refused(main(["voice", "remove", "me"]), "unknown", "tiny")


def test_damaged_voice_is_named_and_the_others_listed(place, tmp_path, capsys):
    (tmp_path / "home" / "voices" / "bad.safetensors").write_bytes(b"nothing")
    assert main(["voice", "list"]) == 0
    out, err = capsys.readouterr()
    assert "tiny" in out
    assert "bad" not in out
    assert err.count("\n") == 1
    assert "bad.safetensors" in err


def test_doctor_passes_and_fails(place, models, capsys):
    arguments = ["--model", str(models[0]), "--codec", str(models[1])]
    assert main(["doctor", *arguments]) == 0
    out, _ = capsys.readouterr()
    assert "passed" in out
    for word in ("python", "torch", torch.__version__.split("+")[0], "MB", "ffmpeg", "tiny"):
        assert word in out
    assert main(["doctor", "--model", str(place), "--codec", str(models[1])]) == 1
    out, _ = capsys.readouterr()
    assert "FAILED" in out
    assert "MISSING" in out


def test_doctor_hears_silence(place, models, capsys, tmp_path):
    codec = tiny_codec()
    stage = codec.decoder[2]
    torch.nn.init.zeros_(stage.output_proj.weight)  # type: ignore[union-attr, arg-type]
    save_codec(codec, tmp_path / "mute")
    assert load_file(tmp_path / "mute" / "model.safetensors")
    arguments = ["--model", str(models[0]), "--codec", str(tmp_path / "mute")]
    assert main(["doctor", *arguments]) == 1
    assert "silent" in capsys.readouterr().out
