"""Speed and memory of the audio tokenizer: whole, streamed, and over an hour."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from eval.memory import peak_memory_mb
from tokenizer.config import CatConfig, PatchConfig, QuantizerConfig, StageConfig
from tokenizer.model import CatTokenizer
from tokenizer.streaming import decode_chunk, decode_start

CHUNKS_MS = (80, 320)


def _stage(inputs: int, outputs: int, width: int, heads: int, layers: int) -> StageConfig:
    return StageConfig(inputs, outputs, width, heads, layers, 4 * width)


# 32 M parameters, window 10 s; the one that the cost of streaming is compared on.
REFERENCE_CODEC = CatConfig(
    sampling_rate=24000,
    downsample_rate=1920,
    causal_transformer_context_duration=10.0,
    encoder_kwargs=(
        PatchConfig(240),
        _stage(240, 256, 256, 4, 2),
        PatchConfig(2),
        _stage(512, 256, 256, 4, 2),
        PatchConfig(2),
        _stage(512, 256, 256, 4, 2),
        PatchConfig(2),
        _stage(512, 384, 384, 6, 6),
    ),
    decoder_kwargs=(
        _stage(384, 512, 384, 6, 6),
        PatchConfig(2),
        _stage(256, 512, 256, 4, 2),
        PatchConfig(2),
        _stage(256, 512, 256, 4, 2),
        PatchConfig(2),
        _stage(256, 240, 256, 4, 2),
        PatchConfig(240),
    ),
    quantizer_kwargs=QuantizerConfig("rlfq", 384, 256, 384, 32, 1024, 8),
)


def random_codec(config: CatConfig, device: str) -> CatTokenizer:
    """Random weights, rounded to float16 as files store them."""
    torch.manual_seed(0)
    codec = CatTokenizer(config).requires_grad_(False).eval()
    for weight in codec.parameters():
        weight.copy_(weight.half())
    return codec.to(device).prepare()


def codec_rows(codec: CatTokenizer, seconds: float, repeats: int) -> dict[str, float]:
    """Computing time over audio time, and what streaming costs over decoding the whole.

    Whole and streamed take turns, and of each the fastest counts.
    """
    frames = max(1, round(seconds * codec.frame_rate))
    seconds = frames / codec.frame_rate
    generator = torch.Generator().manual_seed(0)
    wav = 0.1 * torch.randn((1, codec.channels, frames * codec.frame_size), generator=generator)
    codes = codec.encode(wav)
    found: dict[str, list[float]] = {}
    for turn in range(repeats + 1):
        times = {"encode": _seconds(lambda: codec.encode(wav))}
        times["decode"] = _seconds(lambda: codec.decode(codes))
        for ms in CHUNKS_MS:
            size = max(1, round(ms * codec.frame_rate / 1000))
            times[f"decode_{ms}ms"] = _seconds(lambda size=size: _stream(codec, codes, size))
        if turn:  # the first prepares the weights
            for name, value in times.items():
                found.setdefault(name, []).append(value / seconds)
    row = {f"{name}_rtf": round(min(values), 5) for name, values in found.items()}
    for ms in CHUNKS_MS:
        ratio = min(found[f"decode_{ms}ms"]) / min(found["decode"])
        row[f"stream_{ms}ms_over_whole"] = round(ratio, 2)
    return row


def long_row(codec: CatTokenizer, minutes: float) -> dict[str, float]:
    """Encode and decode one long sound: seconds, and the process's peak memory."""
    samples = round(60 * minutes * codec.sample_rate)
    # A second of noise over and over: what is in it does not matter here.
    second = 0.1 * torch.randn(codec.sample_rate, generator=torch.Generator().manual_seed(0))
    wav = second.repeat(-(-samples // codec.sample_rate))[None, None, :samples]
    wav = wav.expand(-1, codec.channels, -1)
    begun = time.perf_counter()
    codes = codec.encode(wav)
    encoded = time.perf_counter()
    del wav
    sound = codec.decode(codes)
    decoded = time.perf_counter()
    if sound.shape[2] < samples:
        raise ValueError(f"{sound.shape[2]} samples came back of {samples}")
    return {
        "minutes": minutes,
        "encode_s": round(encoded - begun, 2),
        "decode_s": round(decoded - encoded, 2),
        "encode_s_per_minute": round((encoded - begun) / minutes, 3),
        "decode_s_per_minute": round((decoded - encoded) / minutes, 3),
        "peak_memory_mb": round(peak_memory_mb()),
    }


def _stream(codec: CatTokenizer, codes: Tensor, size: int) -> None:
    state = decode_start(len(codes))
    for piece in codes.split(size, dim=2):
        _, state = decode_chunk(codec, piece, state)


def _seconds(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
