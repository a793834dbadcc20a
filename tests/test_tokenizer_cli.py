"""`python -m tokenizer` through its `main([...])`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from tiny import FRAME_SIZE, NUM_CODEBOOKS, SAMPLE_RATE, speech_like, tiny_codec
from tokenizer.__main__ import main
from tokenizer.audio import read_audio
from tokenizer.checkpoint import save_codec
from tokenizer.codes import codec_fingerprint, codes_bytes, load_codes, save_codes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("codec")
    save_codec(tiny_codec(), folder)
    return str(folder)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with in.wav: 1.23 s, not a whole number of frames."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("in.wav", speech_like(1.23), SAMPLE_RATE)
    return tmp_path


@pytest.fixture
def refused(place: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    def check(code: int, *words: str) -> None:
        out, err = capsys.readouterr()
        assert code == 2, err
        assert out == ""
        assert err.startswith("python -m tokenizer: error: ")
        assert err.count("\n") == 1
        for word in words:
            assert word in err
        assert not any(p.name.startswith((".", "out")) for p in place.iterdir())

    return check


def test_encode_and_decode_are_the_tokenizer(place, model, capsys):
    assert main(["encode", "in.wav", "codes.safetensors", "--model", model]) == 0
    assert "4 codebooks x 16 frames" in capsys.readouterr().out
    codec, wav = tiny_codec(), read_audio("in.wav", SAMPLE_RATE)
    expected = codec.encode(torch.from_numpy(wav)[None, None])
    stored = load_codes("codes.safetensors")
    assert torch.equal(stored.codes, expected[0])
    assert load_file("codes.safetensors")["codes"].dtype == torch.int16
    assert stored.metadata["codec"] == codec_fingerprint(codec)
    assert main(["decode", "codes.safetensors", "back.flac", "--model", model]) == 0
    back = read_audio("back.flac", SAMPLE_RATE)
    assert len(back) == len(wav), "the sound comes back as long as it was"
    sound = codec.decode(expected)[0, 0, : len(wav)].clamp(-1, 1).numpy()
    assert np.abs(back - sound).max() < 1e-4


def test_what_was_done_to_channels_and_rate_is_told(place, model, capsys):
    soundfile.write("wide.wav", np.stack([speech_like(1.0, 44100)] * 2, axis=1), 44100)
    assert main(["encode", "wide.wav", "out.safetensors", "--model", model]) == 0
    out = capsys.readouterr().out
    assert "wide.wav: 2 channels were made 1" in out
    assert f"wide.wav: resampled from 44100 to {SAMPLE_RATE} Hz" in out
    assert main(["encode", "in.wav", "out.safetensors", "--model", model]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_fewer_codebooks(place, model):
    few = ["encode", "in.wav", "few.safetensors", "--model", model, "--num-codebooks", "2"]
    assert main(few) == 0
    assert main(["encode", "in.wav", "all.safetensors", "--model", model]) == 0
    assert torch.equal(load_codes("few.safetensors").codes, load_codes("all.safetensors").codes[:2])
    assert main(["decode", "few.safetensors", "few.wav", "--model", model]) == 0
    cut = ["decode", "all.safetensors", "cut.wav", "--model", model, "--num-codebooks", "2"]
    assert main(cut) == 0
    assert Path("few.wav").read_bytes() == Path("cut.wav").read_bytes()


def test_info_for_people_and_programs(place, model, capsys):
    assert main(["info", model]) == 0
    assert "frame_rate_hz" in capsys.readouterr().out
    assert main(["info", model, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    codec = tiny_codec()
    assert facts["parameters"] == sum(p.numel() for p in codec.parameters())
    assert facts["frame_samples"] == FRAME_SIZE
    assert facts["frame_rate_hz"] == 12.5
    # 32 entries are 5 bits, 12.5 times a second.
    assert facts["kbit_per_s"] == {str(k): k * 0.0625 for k in range(1, NUM_CODEBOOKS + 1)}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["encode", "absent.wav", "out.safetensors"], "no such file"),
        (["encode", "in.wav", "out.npy"], ".safetensors"),
        (["encode", "in.wav", "absent/out.safetensors"], "does not exist"),
        (["encode", "in.wav", "out.safetensors", "--num-codebooks", "0"], "1..4"),
        (["encode", "in.wav", "out.safetensors", "--num-codebooks", "5"], "1..4"),
        (["encode", "in.wav", "out.safetensors", "--device", "abacus"], "cpu"),
        (["encode", "in.wav", "out.safetensors", "--model", "absent"], "config.json"),
        (["decode", "absent.safetensors", "out.wav"], "no such file"),
        (["decode", "in.wav", "out.wav"], "is a sound file"),
        (["decode", "bitten.safetensors", "out.wav"], "checksum"),
        (["decode", "bitten-packed.safetensors", "out.wav"], "checksum"),
        (["decode", "good.safetensors", "out.xyz"], ".flac"),
        (["decode", "good.safetensors", "out.wav", "--num-codebooks", "5"], "1..4"),
        (["decode", "cut.safetensors", "out.wav"], "damaged"),
        (["decode", "other.safetensors", "out.wav"], "no codes"),
        (["decode", "high.safetensors", "out.wav"], "0..31"),
        (["decode", "foreign.safetensors", "out.wav"], "another tokenizer"),
        (["info", "absent"], "config.json"),
        (["transmogrify"], "transmogrify"),
        ([], "COMMAND"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_bad_input_is_refused(place, model, refused, arguments, word):
    codes = torch.arange(20).view(4, 5)
    save_codes("good.safetensors", codes, {})
    save_codes("high.safetensors", codes + 20, {})
    save_codes("foreign.safetensors", codes, {"codec": "0123456789abcdef"})
    save_file({"weights": torch.zeros(4, 5)}, "other.safetensors")
    for name, bits in (("bitten", None), ("bitten-packed", 5)):
        data = bytearray(codes_bytes(codes, {}, bits))
        data[-1] ^= 1
        Path(f"{name}.safetensors").write_bytes(data)
    Path("cut.safetensors").write_bytes(Path("good.safetensors").read_bytes()[:40])
    chosen = ["--model", model] if arguments and arguments[0] in ("encode", "decode") else []
    refused(main([*arguments[:3], *chosen, *arguments[3:]]), word)


def test_fingerprint_names_the_quantizer_alone(tmp_path):
    codec = tiny_codec()
    assert codec_fingerprint(codec) == codec_fingerprint(tiny_codec())
    assert codec_fingerprint(codec) != codec_fingerprint(tiny_codec(seed=1))
    before = codec_fingerprint(codec)
    for parameter in codec.decoder.parameters():
        parameter.add_(1.0)
    assert codec_fingerprint(codec) == before
    save_codec(codec, tmp_path, torch.float16)
    half = load_file(tmp_path / "model.safetensors")
    codec.load_state_dict({name: tensor.float() for name, tensor in half.items()})
    assert codec_fingerprint(codec) == before


def test_large_codes_do_not_wrap(tmp_path):
    codes = torch.tensor([[0, 40_000]])
    save_codes(tmp_path / "c.safetensors", codes, {})
    assert torch.equal(load_codes(tmp_path / "c.safetensors").codes, codes)
