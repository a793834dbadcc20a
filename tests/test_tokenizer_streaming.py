"""Streaming equals the whole, the future does not change the past, and every tail is kept."""

from __future__ import annotations

from itertools import cycle

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from goldens import golden
from tiny import CODEBOOK_SIZE, FRAME_SIZE, NUM_CODEBOOKS, speech_like, tiny_codec
from tokenizer.checkpoint import load_codec, save_codec
from tokenizer.model import CatTokenizer
from tokenizer.streaming import (
    decode_chunk,
    decode_start,
    encode_chunk,
    encode_flush,
    encode_start,
)

# 25 frames are five attention windows; the last frame is not full.
NUM_SAMPLES = 24 * FRAME_SIZE + 777
SIZES = [(1919,), (1920,), (1921,), (4001,), (7, 5000, 0, 1913), (100_000,)]


@pytest.fixture(scope="module")
def codec() -> CatTokenizer:
    return tiny_codec()


def waves(batch: int) -> Tensor:
    """(B, 1, NUM_SAMPLES), every item different."""
    items = [torch.from_numpy(speech_like(4.0, seed=i))[:NUM_SAMPLES] for i in range(batch)]
    return torch.stack([w.roll(1000 * i) for i, w in enumerate(items)])[:, None]


def random_codes(batch: int, frames: int, num_codebooks: int = NUM_CODEBOOKS) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(CODEBOOK_SIZE, (batch, num_codebooks, frames), generator=generator)


def cut(x: Tensor, sizes: tuple[int, ...]) -> list[Tensor]:
    """Cut the last axis into pieces of these sizes, over and over."""
    pieces, first, turn = [], 0, cycle(sizes)
    while first < x.shape[-1]:
        size = next(turn)
        pieces.append(x[..., first : first + size])
        first += size
    return pieces


def stream_encode(codec: CatTokenizer, pieces: list[Tensor], used: int | None = None) -> Tensor:
    state = encode_start(codec, len(pieces[0]), used)
    codes = []
    for piece in pieces:
        new, state = encode_chunk(codec, piece, state)
        assert state.pending.shape[2] < codec.frame_size
        codes.append(new)
    return torch.cat([*codes, encode_flush(codec, state)], dim=2)


def stream_decode(codec: CatTokenizer, pieces: list[Tensor]) -> Tensor:
    state = decode_start(len(pieces[0]))
    wavs = []
    for piece in pieces:
        wav, state = decode_chunk(codec, piece, state)
        assert wav.shape[2] == piece.shape[2] * codec.frame_size
        wavs.append(wav)
    return torch.cat(wavs, dim=2)


def assert_close(actual: Tensor, expected: Tensor, relative: float = 1e-4) -> None:
    assert actual.shape == expected.shape
    worst = (actual - expected).abs().max() / expected.abs().max()
    assert worst <= relative, f"largest difference {worst:.2e} of the largest value"


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_streamed_codes_equal_the_whole(codec, sizes, batch):
    wav = waves(batch)
    whole = codec.encode(wav)
    assert len(whole.unique()) > 8
    assert torch.equal(stream_encode(codec, cut(wav, sizes)), whole)


def test_plain_rvq_streams_alike():
    codec, wav, codes = tiny_codec(quantizer_type="rvq"), waves(1), random_codes(1, 12)
    assert torch.equal(stream_encode(codec, cut(wav, (3001,))), codec.encode(wav))
    assert_close(stream_decode(codec, cut(codes, (5,))), codec.decode(codes))


def test_single_samples_can_be_pushed(codec):
    wav = waves(1)[..., : FRAME_SIZE + 3]
    assert torch.equal(stream_encode(codec, cut(wav, (1,))), codec.encode(wav))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("sizes", [(1,), (2,), (3, 0, 7), (40,)], ids=str)
def test_streamed_wave_equals_the_whole(codec, sizes, batch):
    codes = random_codes(batch, 31)
    assert_close(stream_decode(codec, cut(codes, sizes)), codec.decode(codes))


def test_fewer_codebooks_stream_alike(codec):
    wav = waves(2)
    codes = stream_encode(codec, cut(wav, (3000,)), used=2)
    assert torch.equal(codes, codec.encode(wav, 2))
    assert torch.equal(codes, codec.encode(wav)[:, :2])
    assert_close(stream_decode(codec, cut(codes, (4,))), codec.decode(codes))


def test_long_chunks_are_worked_through_in_segments(codec, monkeypatch):
    wav, codes = waves(1), random_codes(1, 25)
    whole, sound = codec.encode(wav), codec.decode(codes)
    monkeypatch.setattr("tokenizer.streaming.SEGMENT_S", 0.24)
    assert torch.equal(stream_encode(codec, [wav]), whole)
    assert_close(stream_decode(codec, [codes]), sound)


def test_a_state_can_be_used_twice(codec):
    wav = waves(1)
    _, state = encode_chunk(codec, wav[..., :10_000], encode_start(codec))
    once, _ = encode_chunk(codec, wav[..., 10_000:], state)
    encode_chunk(codec, -wav[..., 10_000:], state)
    again, _ = encode_chunk(codec, wav[..., 10_000:], state)
    assert torch.equal(once, again)
    codes = random_codes(1, 12)
    _, after = decode_chunk(codec, codes[..., :8], decode_start())
    first, _ = decode_chunk(codec, codes[..., 8:], after)
    decode_chunk(codec, codes[..., :4], after)
    second, _ = decode_chunk(codec, codes[..., 8:], after)
    assert torch.equal(first, second)


def test_the_window_matters(codec):
    """The tests above would show nothing if no frame looked at its past."""
    codes = random_codes(1, 12)
    alone, _ = decode_chunk(codec, codes[..., 8:], decode_start())
    assert (alone - codec.decode(codes)[..., 8 * FRAME_SIZE :]).abs().max() > 1e-3


def test_future_does_not_change_the_past(codec):
    wav, codes, keep = waves(1), random_codes(1, 25), 11
    changed = wav.clone()
    changed[..., keep * FRAME_SIZE :] = waves(2)[1:, :, keep * FRAME_SIZE :] * 0.3
    before, after = codec.encode(wav), codec.encode(changed)
    assert torch.equal(before[..., :keep], after[..., :keep])
    assert not torch.equal(before[..., keep:], after[..., keep:])
    other = codes.clone()
    other[..., keep:] = (other[..., keep:] + 1) % CODEBOOK_SIZE
    sound, changed_sound = codec.decode(codes), codec.decode(other)
    assert_close(changed_sound[..., : keep * FRAME_SIZE], sound[..., : keep * FRAME_SIZE])
    assert (changed_sound - sound)[..., keep * FRAME_SIZE :].abs().max() > 1e-3


@pytest.mark.parametrize("rest", [0, 1, 239, 240, 241, 960, 1918, 1919])
def test_lengths_for_every_tail(codec, rest):
    num_samples = 2 * FRAME_SIZE + rest
    wav = waves(1)[..., :num_samples]
    frames = 2 + (rest > 0)
    codes = codec.encode(wav)
    assert codes.shape == (1, NUM_CODEBOOKS, frames)
    assert codec.num_frames(num_samples) == frames
    assert stream_encode(codec, cut(wav, (1000,))).shape == codes.shape
    assert codec.decode(codes).shape == (1, 1, frames * FRAME_SIZE)


def test_batch_equals_single_with_unequal_lengths(codec):
    wav = waves(3)
    lengths = torch.tensor([NUM_SAMPLES, 9 * FRAME_SIZE, 5 * FRAME_SIZE + 1])
    codes, frames = codec.encode_batch(wav, lengths)
    assert frames.tolist() == [25, 9, 6]
    for i, (samples, count) in enumerate(zip(lengths.tolist(), frames.tolist(), strict=True)):
        assert torch.equal(codes[i, :, :count], codec.encode(wav[i : i + 1, :, :samples])[0])
        alone = codec.decode(codes[i : i + 1, :, :count])
        together = codec.decode(codes)[i : i + 1, :, : count * FRAME_SIZE]
        assert_close(together, alone)


@pytest.mark.parametrize("used", [0, -1, NUM_CODEBOOKS + 1])
def test_number_of_codebooks_out_of_range(codec, used):
    with pytest.raises(ValueError, match=f"1..{NUM_CODEBOOKS}"):
        codec.encode(waves(1), used)
    with pytest.raises(ValueError, match=f"1..{NUM_CODEBOOKS}"):
        encode_start(codec, 1, used)


def test_wrong_codes_raise(codec):
    good = random_codes(1, 3)
    too_high, negative = good.clone(), good.clone()
    too_high[0, 1, 2], negative[0, 0, 0] = CODEBOOK_SIZE, -1
    for bad in (too_high, negative):
        with pytest.raises(ValueError, match=f"0..{CODEBOOK_SIZE - 1}"):
            codec.decode(bad)
        with pytest.raises(ValueError, match=f"0..{CODEBOOK_SIZE - 1}"):
            decode_chunk(codec, bad, decode_start())
    with pytest.raises(ValueError, match=r"\(B, K, T\)"):
        codec.decode(good[0])
    with pytest.raises(ValueError, match=r"1\.\.4"):
        decode_chunk(codec, torch.cat([good, good], dim=1), decode_start())
    with pytest.raises(ValueError, match="K, t"):
        decode_chunk(codec, good, decode_start(2))
    with pytest.raises(ValueError, match="1, n"):
        encode_chunk(codec, waves(2), encode_start(codec))
    with pytest.raises(ValueError, match="batch_size"):
        encode_start(codec, 0)


@pytest.mark.parametrize("name", ["tokenizer_rlfq", "tokenizer_rvq"])
@pytest.mark.parametrize("batch", [1, 4])
def test_golden_weights_stream_over_several_windows(name, batch):
    folder = golden(name)
    codec, io = load_codec(folder), load_file(folder / "io.safetensors")
    codes = io["codes"].transpose(0, 1)[:1].repeat(batch, 1, 3)
    codes = torch.stack([c.roll(5 * i, dims=-1) for i, c in enumerate(codes)])
    window_s = codec.config.causal_transformer_context_duration
    assert codes.shape[2] / codec.frame_rate > 3 * window_s
    wav = codec.decode(codes)
    whole = codec.encode(wav)
    for frames in (1, 3, 7):
        assert_close(stream_decode(codec, cut(codes, (frames,))), wav)
        assert torch.equal(stream_encode(codec, cut(wav, (frames * codec.frame_size,))), whole)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("quantizer", ["rlfq", "rvq"])
def test_prepared_weights_equal_the_modules(half, quantizer):
    codec = tiny_codec(quantizer_type=quantizer)
    if half:
        for parameter in codec.parameters():
            parameter.copy_(parameter.half())
        codec.prepare()
    wav, codes = waves(2)[..., : 24 * FRAME_SIZE], random_codes(2, 31)
    with torch.inference_mode():
        hidden, _ = codec.encode_latents(wav)
        latents = codec.dequantize(codes)
        sound, _ = codec.decode_latents(latents)
        chosen = codec.quantize(hidden)
    with torch.enable_grad():  # the way of training
        assert_close(hidden, codec.encode_latents(wav)[0])
        assert_close(latents, codec.dequantize(codes))
        assert_close(sound, codec.decode_latents(latents)[0])
        assert torch.equal(chosen, codec.quantize(hidden))


def test_weights_are_prepared_once_and_what_changes_them_undoes_it():
    codec, codes = tiny_codec(), random_codes(1, 3)
    for parameter in codec.parameters():  # half precision is laid out, full precision may not be
        parameter.copy_(parameter.half())
    before = codec.prepare().decode(codes)
    codec.decoder[2].output_proj.weight.mul_(2)  # type: ignore[union-attr, operator]
    assert_close(codec.prepare().decode(codes), 2 * before)
    for change in (
        lambda: codec.train().eval(),
        lambda: codec.requires_grad_(True).requires_grad_(False),
        lambda: codec.load_state_dict(codec.state_dict()),
        lambda: codec.float(),
        lambda: setattr(codec, "decoder", codec.decoder),
    ):
        once = codec.prepare().decode(codes)
        codec.decoder[2].output_proj.weight.mul_(2)  # type: ignore[union-attr, operator]
        change()
        assert_close(codec.decode(codes), 2 * once)


def test_an_encoder_that_is_read_late_is_the_same(tmp_path):
    codec, wav = tiny_codec(), 0.1 * torch.randn(1, 1, 9600)
    save_codec(codec, tmp_path)
    late = load_codec(tmp_path, sparing=True)
    codes = late.encode(wav)
    assert torch.equal(codes, codec.encode(wav))
    for use in (lambda c: c.state_dict(), lambda c: c.train().eval(), lambda c: c.double().float()):
        late = load_codec(tmp_path, sparing=True)
        assert next(late.encoder.parameters()).is_meta
        use(late)
        assert not any(p.is_meta for p in late.parameters())
        assert torch.equal(late.encode(wav), codes)


@pytest.mark.parametrize("name", ["tokenizer_rlfq", "tokenizer_rvq"])
def test_golden_parity(name):
    folder = golden(name)
    codec, io = load_codec(folder), load_file(folder / "io.safetensors")
    frames = io["codes_lengths"].tolist()
    codes, lengths = codec.encode_batch(io["waveform"], io["waveform_lengths"])
    assert lengths.tolist() == frames
    expected = io["codes"].transpose(0, 1)
    hidden = codec.encode_latents(io["waveform"])[0].transpose(1, 2)
    for i, count in enumerate(frames):
        assert torch.equal(codes[i, :, :count], expected[i, :, :count])
        stop = count * codec.frame_size
        assert_close(hidden[i, :, :count], io["encoder_hidden_states"][i, :, :count])
        item = expected[i : i + 1, :, :count]
        assert_close(codec.decode(item), io["decoded"][i : i + 1, :, :stop])
        first_k = item[:, : int(io["first_k"])]
        assert_close(codec.decode(first_k), io["decoded_first_k"][i : i + 1, :, :stop])
        assert_close(stream_decode(codec, cut(item, (1, 4))), codec.decode(item))
