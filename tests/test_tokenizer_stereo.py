"""Two channels: interleaved, windows of each stage, both spellings, streams, files."""

from __future__ import annotations

import json
import resource

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from goldens import golden
from tiny import CODEBOOK_SIZE, NUM_CODEBOOKS, speech_like, tiny_codec, tiny_stereo_config
from tokenizer.__main__ import main
from tokenizer.audio import StreamEncoder, encode_sound, read_audio, to_int16, write_audio
from tokenizer.checkpoint import load_codec, save_codec
from tokenizer.config import CatConfig, ConfigError
from tokenizer.layout import samples_of, to_channels, wav_of
from tokenizer.model import CatTokenizer
from tokenizer.streaming import decode_chunk, decode_start, encode_chunk, encode_flush, encode_start

FRAME, RATE = 3840, 48000


@pytest.fixture(scope="module")
def codec() -> CatTokenizer:
    return tiny_codec(config=tiny_stereo_config())


def stereo(seconds: float) -> np.ndarray:
    """(N, 2), another sound in each channel."""
    sides = [speech_like(seconds, RATE, seed) for seed in (0, 1)]
    return np.stack([sides[0], np.roll(sides[1], 5000)], axis=1)


def random_codes(batch: int, frames: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(CODEBOOK_SIZE, (batch, NUM_CODEBOOKS, frames), generator=generator)


@pytest.mark.parametrize("frames", range(1, 21))
def test_streams_of_any_chunk_equal_the_whole(codec, frames):
    wav = wav_of(stereo(3.3), 2)
    state, parts = encode_start(codec), []
    for piece in wav.split(frames * FRAME - 7, dim=2):
        new, state = encode_chunk(codec, piece, state)
        parts.append(new)
    whole = codec.encode(wav)
    assert len(whole.unique()) > 8
    assert torch.equal(torch.cat([*parts, encode_flush(codec, state)], dim=2), whole)
    codes = random_codes(2, 43)
    sound, state, parts = codec.decode(codes), decode_start(2), []
    for piece in codes.split(frames, dim=2):
        new, state = decode_chunk(codec, piece, state)
        parts.append(new)
    assert sound.shape == (2, 2, 43 * FRAME)
    assert (torch.cat(parts, dim=2) - sound).abs().max() < 1e-5 * sound.abs().max()


def test_batch_mates_change_nothing(codec):
    wav = torch.cat([wav_of(stereo(1.0), 2), wav_of(stereo(1.0)[::-1], 2)])
    both = codec.encode_batch(wav, torch.tensor([48000, 30001]))
    assert both.lengths.tolist() == [13, 8]
    assert torch.equal(both.codes[:1], codec.encode(wav[:1]))
    assert torch.equal(both.codes[1:, :, :8], codec.encode(wav[1:, :, :30001]))
    codes = random_codes(3, 9)
    assert (codec.decode(codes)[1:2] - codec.decode(codes[1:2])).abs().max() < 1e-6


def test_channels_are_told_apart(codec):
    sound = stereo(1.0)
    assert not torch.equal(codec.encode(wav_of(sound, 2)), codec.encode(wav_of(sound[:, ::-1], 2)))
    assert not torch.allclose(*codec.decode(random_codes(1, 4))[0])
    with pytest.raises(ValueError, match=r"wav must be \(B, 2, N\)"):
        codec.encode(torch.zeros(1, 1, FRAME))


@pytest.mark.parametrize(
    ("given", "wanted", "first"),
    [
        ([[1, 3]], 1, 2.0),  # the mean
        ([1.0], 2, [1, 1]),  # copied, not halved
        ([[1, 2, 9]], 2, [1, 2]),  # the first two
        ([[4]], 2, [4, 4]),
    ],
)
def test_channels_as_wanted(given, wanted, first):
    made = to_channels(np.array(given, np.float32), wanted)
    assert np.array_equal(made[0], first)
    wav = wav_of(np.array(given, np.float32), wanted)
    assert wav.shape == (1, wanted, 1)
    assert np.array_equal(samples_of(wav[0]), made)


def test_both_spellings_and_projections_by_presence(codec, tmp_path):
    new = {".self_attn.in_projs.0.": ".self_attn.in_proj.", ".linear1.": ".ffn.0."}
    new |= {".self_attn.out_projs.0.": ".self_attn.out_proj.", ".linear2.": ".ffn.2."}
    save_codec(codec, tmp_path)
    wav = wav_of(stereo(0.5), 2)
    assert torch.equal(load_codec(tmp_path).encode(wav), codec.encode(wav))
    tensors = load_file(tmp_path / "model.safetensors")
    assert "encoder.1.output_proj.weight" in tensors  # between equal sizes
    renamed = {}
    for name, tensor in tensors.items():
        for old, spelt in new.items():
            name = name.replace(old, spelt)
        renamed[name] = tensor
    assert renamed.keys() != tensors.keys()
    del renamed["encoder.1.output_proj.weight"]
    save_file(renamed, tmp_path / "model.safetensors")
    without = load_codec(tmp_path)
    assert not torch.equal(without.encode(wav), codec.encode(wav))
    assert torch.equal(without.decode(random_codes(1, 4)), codec.decode(random_codes(1, 4)))


def test_config_of_several_channels():
    config = tiny_stereo_config()
    raw = json.loads(json.dumps(config.to_dict()))
    raw |= {"compute_dtype": "bf16", "colour": 1, "channels_numbers": raw.pop("number_channels")}
    assert CatConfig.from_dict(raw) == config
    del raw["decoder_kwargs"]
    assert CatConfig.from_dict(raw).decoder_kwargs == config.decoder_kwargs
    for change, message in (
        ({"enable_channel_interleave": False}, "enable_channel_interleave=False"),
        ({"channels_numbers": 3}, "number_channels=3"),
        ({"downsample_rate": 7680}, "number_channels is 15360"),
    ):
        with pytest.raises(ConfigError, match=message):
            CatConfig.from_dict(raw | change)


def test_published_names_in_both_spellings(tmp_path, capsys):
    for name in ("nano", "v2"):
        shapes = golden("published") / f"moss_audio_tokenizer_{name}.shapes.json"
        if not shapes.is_file():
            pytest.skip("these lists lie beside the clone only")
        config = str(shapes).replace(".shapes", ".config")
        assert main(["verify", config, "--shapes", str(shapes)]) == 0
        old = shapes.read_text().replace(".self_attn.in_proj.", ".self_attn.in_projs.0.")
        old = old.replace(".ffn.0.", ".linear1.")
        file = tmp_path / "old.json"
        file.write_text(old)
        assert main(["verify", config, "--shapes", str(file)]) == 0
        file.write_text(old.replace("linear1", "linear3", 1))
        assert main(["verify", config, "--shapes", str(file)]) == 2


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg", "opus"])
def test_files_keep_both_channels(ending, tmp_path):
    left, sound = stereo(0.5)[:, 0], stereo(0.5)
    sound[:, 1] = 0
    write_audio(tmp_path / f"a.{ending}", sound, RATE)
    read = read_audio(tmp_path / f"a.{ending}", RATE, channels=2)
    assert read.shape == sound.shape if ending in ("wav", "flac") else read.shape[1] == 2
    assert np.abs(read[:, 0]).max() > 0.5 * np.abs(left).max()
    assert np.abs(read[:, 1]).max() < 0.05 * np.abs(left).max()
    streamed = StreamEncoder(RATE, ending)
    parts = [streamed.push(to_int16(part)) for part in np.split(sound, 3)]
    (tmp_path / f"b.{ending}").write_bytes(b"".join([*parts, streamed.finish()]))
    assert soundfile.info(tmp_path / f"b.{ending}").channels == 2
    assert len(encode_sound(sound, RATE, "pcm")) == 4 * len(sound)


def test_command_line_keeps_stereo(codec, tmp_path, capsys):
    save_codec(codec, tmp_path / "codec")
    write_audio(tmp_path / "in.wav", stereo(0.9), RATE)
    model = ["--model", str(tmp_path / "codec")]
    codes, out = str(tmp_path / "codes.safetensors"), tmp_path / "out.wav"
    assert main(["encode", str(tmp_path / "in.wav"), codes, *model]) == 0
    assert main(["decode", codes, str(out), *model]) == 0
    assert read_audio(out, RATE, channels=2).shape == stereo(0.9).shape
    assert main(["info", str(tmp_path / "codec"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["channels"] == 2


def test_memory_is_linear_in_the_length():
    """Ten minutes of stereo take little more than the sound itself, four times."""
    codec = tiny_codec(config=tiny_stereo_config())
    codes = random_codes(1, 7500)

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    codec.decode(codes[..., :750])
    before = peak()
    sound = codec.decode(codes)
    grown, size = peak() - before, sound.numel() * 4 / 2**20
    assert sound.shape == (1, 2, 600 * RATE)
    assert grown < 3.5 * size, f"{grown:.0f} MiB for {size:.0f} MiB of sound"
