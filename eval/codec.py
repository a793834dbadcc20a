"""How well a codec keeps a waveform: metrics, and a table over the number of codebooks."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from eval.audio import (
    AUDIO_SUFFIXES,
    SILENCE_PEAK,
    AudioError,
    check_mono,
    peak,
    read_wav,
    resample,
    write_wav,
)
from eval.extras import require
from eval.report import json_line, markdown_table, progress, write_json, write_json_lines
from eval.similarity import SpeakerEncoder, cosine, load_speaker_encoder

if TYPE_CHECKING:
    from torch import Tensor

PESQ_RATE_HZ = 16000
NUM_MELS = 80
MEL_FFT, MEL_HOP = 1024, 256
STFT_SIZES = (512, 1024, 2048)
LOG_FLOOR = 1e-5
METRICS = ("sim", "stoi", "pesq_nb", "pesq_wb", "mel_distance", "stft_distance")


class Codec(Protocol):
    """What the table needs of a codec: codes coarsest first, any prefix of them decodable."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def frame_rate(self) -> float: ...
    @property
    def num_codebooks(self) -> int: ...
    @property
    def codebook_size(self) -> int: ...

    def encode(self, wav: Tensor) -> Tensor:
        """float32 (B, 1, N) -> int64 (B, K, T)."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """int64 (B, k, T), k <= K -> float32 (B, 1, at least N)."""
        ...


@dataclass(frozen=True)
class CodecRow:
    """Means of one number of codebooks.

    Attributes:
        bitrate_bps: frame_rate * num_codebooks * log2(codebook_size).
        metrics: metric -> mean over the items where it is defined; None where nowhere.
        counts: metric -> number of items that the mean stands on.
    """

    num_codebooks: int
    bitrate_bps: float
    metrics: Mapping[str, float | None]
    counts: Mapping[str, int]


def codec_metrics(
    reference: np.ndarray,
    degraded: np.ndarray,
    sample_rate: int,
    encoder: SpeakerEncoder | None = None,
) -> dict[str, float | None]:
    """Compare a decoded waveform with its original.

    Args:
        reference: float (N,), mono, in [-1, 1].
        degraded: float (M,), aligned with it; M >= N (what a codec padded is cut) or M < N by
            less than 0.1 s (then both are cut to M).
        sample_rate: of both, in Hz.
        encoder: for SIM; None loads resemblyzer once.

    Returns:
        sim: speaker cosine in [-1, 1], by the offline stand-in encoder unless one is given.
        stoi: [0, 1], classic (not extended). pesq_nb, pesq_wb: MOS-LQO, about [1, 4.6], at 16 kHz.
        mel_distance: mean |log10 mel difference| (80 Slaney mels, 1024/256 at sample_rate).
        stft_distance: mean over FFTs of 512, 1024, 2048 of the mean |log10 magnitude difference|.
        Higher is better for the first four, lower for the distances. A metric that is not defined
        for the pair (no speech, too short) is None.

    Raises:
        AudioError: not mono, not finite, empty, or lengths do not belong together.
        MissingExtraError: a metric's package is not installed.
    """
    reference, degraded = check_mono(reference, sample_rate), check_mono(degraded, sample_rate)
    if reference.size == 0 or degraded.size < reference.size - 0.1 * sample_rate:
        raise AudioError(
            f"reference has {reference.size} samples and degraded {degraded.size}; "
            "degraded must be the same utterance, not shorter, and neither may be empty"
        )
    size = min(reference.size, degraded.size)
    reference, degraded = reference[:size], degraded[:size]
    return {
        "sim": _sim(reference, degraded, sample_rate, encoder or load_speaker_encoder()),
        "stoi": _stoi(reference, degraded, sample_rate),
        "pesq_nb": _pesq(reference, degraded, sample_rate, "nb"),
        "pesq_wb": _pesq(reference, degraded, sample_rate, "wb"),
        "mel_distance": mel_distance(reference, degraded, sample_rate),
        "stft_distance": stft_distance(reference, degraded),
    }


def mel_distance(reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> float:
    """Mean absolute difference of log10 mel magnitudes, >= 0; both (N,), N >= 1."""
    filters = mel_filters(sample_rate, MEL_FFT, NUM_MELS)
    mels = [
        np.log10(np.maximum(_magnitude(wav, MEL_FFT, MEL_HOP) @ filters.T, LOG_FLOOR))
        for wav in (reference, degraded)
    ]
    return float(np.abs(mels[0] - mels[1]).mean())


def stft_distance(reference: np.ndarray, degraded: np.ndarray) -> float:
    """Mean absolute log10 magnitude difference over three resolutions, >= 0; both (N,)."""
    distances = []
    for size in STFT_SIZES:
        logs = [
            np.log10(np.maximum(_magnitude(wav, size, size // 4), LOG_FLOOR))
            for wav in (reference, degraded)
        ]
        distances.append(np.abs(logs[0] - logs[1]).mean())
    return float(np.mean(distances))


def _magnitude(wav: np.ndarray, size: int, hop: int) -> np.ndarray:
    """|STFT| (frames, size // 2 + 1): Hann, centred, scaled so that a full-scale sine is 1."""
    padded = np.pad(wav.astype(np.float64), size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return np.abs(np.fft.rfft(frames * window, axis=1)) * (2 / window.sum())


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, fft_size: int, num_mels: int) -> np.ndarray:
    """Triangular filters (num_mels, fft_size // 2 + 1) on Slaney's scale, each with peak 1."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(sample_rate / 2), num_mels + 2))
    bins = np.fft.rfftfreq(fft_size, 1 / sample_rate)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


# Slaney's scale: linear below 1 kHz (3 mels per 200 Hz), then 27 mels per factor of 6.4.
_KNEE_HZ, _KNEE_MEL, _STEP = 1000.0, 15.0, math.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return 3 * hz / 200 if hz < _KNEE_HZ else _KNEE_MEL + math.log(hz / _KNEE_HZ) / _STEP


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < _KNEE_MEL, mel * 200 / 3, _KNEE_HZ * np.exp(_STEP * (mel - _KNEE_MEL)))


def _sim(
    reference: np.ndarray, degraded: np.ndarray, rate: int, encoder: SpeakerEncoder
) -> float | None:
    try:
        return cosine(encoder.embed(reference, rate), encoder.embed(degraded, rate))
    except AudioError:
        return None


def _stoi(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float | None:
    pystoi = require("pystoi")
    if peak(reference) < SILENCE_PEAK:
        return None
    with warnings.catch_warnings():
        # pystoi only warns, and answers 1e-5, when less than 30 frames hold speech.
        warnings.simplefilter("error", RuntimeWarning)
        try:
            value = float(pystoi.stoi(reference, degraded, rate, extended=False))
        except RuntimeWarning:
            return None
    return value if math.isfinite(value) else None


def _pesq(reference: np.ndarray, degraded: np.ndarray, rate: int, mode: str) -> float | None:
    pesq = require("pesq")
    # pesq scales by the peak, so a silent signal would be divided by zero.
    if min(peak(reference), peak(degraded)) < SILENCE_PEAK:
        return None
    ref, deg = (resample(wav, rate, PESQ_RATE_HZ) for wav in (reference, degraded))
    try:
        value = float(pesq.pesq(PESQ_RATE_HZ, ref, deg, mode))
    except pesq.PesqError:
        return None
    return value if math.isfinite(value) else None


def reconstruct(
    codec: Codec, wav: np.ndarray, sample_rate: int, num_codebooks: Sequence[int]
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Encode once and decode with the first k codebooks for each k.

    Args:
        wav: float (N,), mono, at `sample_rate` Hz.
        num_codebooks: values in 1..codec.num_codebooks.

    Returns:
        The input at the codec's rate, and k -> decoded wav of the same length, in [-1, 1].
    """
    torch = require("torch")
    original = resample(wav, sample_rate, codec.sample_rate)
    with torch.inference_mode():
        codes = codec.encode(torch.from_numpy(original.copy())[None, None])
        decoded = {k: codec.decode(codes[:, :k])[0, 0].float().cpu() for k in num_codebooks}
    return original, {
        k: np.clip(audio.numpy()[: original.size], -1.0, 1.0) for k, audio in decoded.items()
    }


def measure_codec(
    codec: Codec,
    paths: Sequence[Path],
    num_codebooks: Sequence[int],
    encoder: SpeakerEncoder | None = None,
    save_dir: Path | None = None,
) -> list[dict[str, Any]]:
    """Metrics of every file at every number of codebooks.

    Args:
        paths: audio files, any sample rate.
        num_codebooks: values in 1..codec.num_codebooks.
        encoder: for SIM; None loads resemblyzer.
        save_dir: where the decoded wavs go, as k{K}/{stem}.wav; None keeps none.

    Returns:
        One dict per file and K: path, seconds, num_codebooks and the metrics.

    Raises:
        ValueError: K is out of range, no path given, or a file is unreadable.
    """
    if not paths:
        raise ValueError("no audio file given; name files or folders that hold some")
    for k in num_codebooks:
        if not 1 <= k <= codec.num_codebooks:
            raise ValueError(f"num_codebooks is {k}; this codec has 1..{codec.num_codebooks}")
    rows: list[dict[str, Any]] = []
    for path in progress(paths, "codec"):
        wav, rate = read_wav(path)
        original, decoded = reconstruct(codec, wav, rate, num_codebooks)
        for k, audio in decoded.items():
            metrics = codec_metrics(original, audio, codec.sample_rate, encoder)
            seconds = original.size / codec.sample_rate
            rows.append({"path": str(path), "seconds": seconds, "num_codebooks": k, **metrics})
            if save_dir:
                write_wav(save_dir / f"k{k}" / f"{path.stem}.wav", audio, codec.sample_rate)
    return rows


def codec_table(codec: Codec, rows: Sequence[Mapping[str, Any]]) -> list[CodecRow]:
    """Means of `measure_codec` rows, one per number of codebooks, ascending."""
    bits = codec.frame_rate * math.log2(codec.codebook_size)
    table = []
    for k in sorted({int(row["num_codebooks"]) for row in rows}):
        mine = [row for row in rows if row["num_codebooks"] == k]
        values = {m: [row[m] for row in mine if row[m] is not None] for m in METRICS}
        means = {m: float(np.mean(v)) if v else None for m, v in values.items()}
        table.append(CodecRow(k, k * bits, means, {m: len(v) for m, v in values.items()}))
    return table


def table_markdown(table: Sequence[CodecRow], num_items: int) -> str:
    """The table as Markdown; a mean that not all items share says how many it stands on."""

    def cell(row: CodecRow, metric: str) -> object:
        value, count = row.metrics[metric], row.counts[metric]
        return value if value is None or count == num_items else f"{value:.3f} (n={count})"

    header = ("K", "bit/s", "SIM*", "STOI", "PESQ-NB", "PESQ-WB", "mel dist.", "STFT dist.")
    body = [
        (row.num_codebooks, round(row.bitrate_bps), *(cell(row, metric) for metric in METRICS))
        for row in table
    ]
    note = f"{num_items} items. *SIM by resemblyzer, a stand-in: not the WavLM SIM of papers."
    return markdown_table(header, body) + "\n\n" + note


def find_audio(paths: Sequence[Path], limit: int | None = None) -> list[Path]:
    """Files as given, folders searched (sorted) for audio; at most `limit`, evenly spread."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
        else:
            found.append(path)
    if limit is not None and 0 < limit < len(found):
        found = [found[i * len(found) // limit] for i in range(limit)]
    return found


def main(argv: Sequence[str]) -> int:
    """`python -m eval codec`: the table for a codec over files."""
    from tokenizer.checkpoint import load_codec

    parser = argparse.ArgumentParser(
        prog="python -m eval codec", description="Reconstruction metrics by number of codebooks."
    )
    parser.add_argument("wavs", nargs="+", type=Path, help="audio files, or folders of them")
    parser.add_argument("--model", default="embedded", help="embedded, or a tokenizer folder")
    parser.add_argument("--num-codebooks", nargs="+", type=int, help="default: 1, 2, 4, … all")
    parser.add_argument("--limit", type=int, help="at most this many files, evenly spread")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="folder for table.md, summary.json, items.jsonl")
    parser.add_argument("--save-wavs", action="store_true", help="keep decoded wavs under --out")
    args = parser.parse_args(argv)
    if args.save_wavs and not args.out:
        raise ValueError("--save-wavs needs --out DIR to put them in")
    codec = load_codec(args.model, args.device)
    ladder = [2**i for i in range(10) if 2**i < codec.num_codebooks] + [codec.num_codebooks]
    paths = find_audio(args.wavs, args.limit)
    save_dir = args.out / "wavs" if args.save_wavs else None
    rows = measure_codec(codec, paths, args.num_codebooks or ladder, save_dir=save_dir)
    table = codec_table(codec, rows)
    text = table_markdown(table, len(paths))
    result = {
        "command": "codec",
        "model": str(args.model),
        "num_items": len(paths),
        "speaker_encoder": load_speaker_encoder().name,
        "rows": [asdict(row) for row in table],
    }
    if args.out:
        write_json_lines(args.out / "items.jsonl", rows)
        write_json(args.out / "summary.json", result)
        (args.out / "table.md").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{text}\n{json_line(result)}\n")
    return 0
