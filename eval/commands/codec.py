"""The codec table: quality by number of codebooks and bitrate, with Opus as a yardstick."""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from eval.audio import AudioError, read_wav, resample, write_wav
from eval.cache import file_digest, weights_digest, write_text
from eval.extras import require
from eval.metrics.codec_metrics import METRICS, codec_metrics
from eval.metrics.similarity import encoder_identity, load_speaker_encoder
from eval.metrics.wer import LANGUAGES
from eval.report import json_line, markdown_table, write_results
from eval.shards import Shard, this_shard
from eval.systems.held_out import find_audio
from eval.systems.judging import Judges, text_of
from eval.systems.opus import opus_copy
from eval.systems.stages import by_content
from tokenizer.layout import samples_of, to_channels, wav_of

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("speech", "real", "sound", "music")
# Kinds of which STOI, PESQ and SIM say something.
SPEECH_KINDS = ("speech", "real")
OPUS_KBPS = (6, 8, 12, 16)
ORIGINAL = "original"
# What judges give -> head of its column.
OPINIONS = {"distillmos": "DistillMOS", "dnsmos": "DNSMOS"}
JUDGED = {**OPINIONS, "wer": "WER/CER"}


class Codec(Protocol):
    """What the table needs of a codec: codes coarsest first, any prefix of them decodable."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frame_rate(self) -> float: ...
    @property
    def num_codebooks(self) -> int: ...
    @property
    def codebook_size(self) -> int: ...

    def encode(self, wav: Tensor) -> Tensor:
        """float32 (B, channels, N) -> int64 (B, K, T)."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """int64 (B, k, T), k <= K -> float32 (B, channels, at least N)."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is measured of every file.

    Attributes:
        num_codebooks: values in 1..codec.num_codebooks.
        opus_bps: bitrates of the yardstick; empty leaves it out.
        sim: name of the speaker encoder, see `eval.metrics.similarity.load_speaker_encoder`.
        judges: of speech; none are asked by default.
        save_dir: where decoded wavs go, as SYSTEM/NAME.wav; None keeps none.
        device: of the codec.
    """

    num_codebooks: tuple[int, ...]
    opus_bps: tuple[int, ...] = ()
    sim: str = "resemblyzer"
    judges: Judges = field(default_factory=Judges)
    save_dir: Path | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class CodecRow:
    """Means of one system over the files of one kind.

    Attributes:
        kind: "speech", "real" (recorded, where "speech" is synthesised), "sound" or "music".
        system: "K = 8", "Opus 6 kbit/s", or "original" where there are judges.
        num_codebooks: None for Opus and the original.
        bitrate_bps: codec: frame_rate * num_codebooks * log2(codebook_size); Opus: measured.
        metrics: metric -> mean over the items where it is defined; None where nowhere. Beside
            METRICS what judges say: opinions, and "wer", all errors over all words.
        counts: metric -> number of items that the mean stands on.
    """

    kind: str
    system: str
    num_codebooks: int | None
    bitrate_bps: float
    num_items: int
    metrics: Mapping[str, float | None]
    counts: Mapping[str, int]


def reconstruct(
    codec: Codec,
    wav: np.ndarray,
    sample_rate: int,
    num_codebooks: Sequence[int],
    device: str = "cpu",
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Encode once and decode with the first k codebooks for each k.

    Args:
        wav: float (N,), mono, at `sample_rate` Hz.
        num_codebooks: values in 1..codec.num_codebooks.
        device: of the codec.

    Returns:
        The input at the codec's rate, and k -> decoded wav of the same length, in [-1, 1].
    """
    torch = require("torch")
    original = resample(wav, sample_rate, codec.sample_rate)
    with torch.inference_mode():
        codes = codec.encode(wav_of(original, codec.channels).to(device))
        decoded = {k: samples_of(codec.decode(codes[:, :k])) for k in num_codebooks}
    return original, {
        k: np.clip(to_channels(audio[: original.size], 1), -1.0, 1.0)
        for k, audio in decoded.items()
    }


def measure_file(codec: Codec, path: Path, kind: str, plan: Plan) -> list[dict[str, Any]]:
    """Figures of one file: one dict per number of codebooks and per Opus bitrate.

    Raises:
        ValueError: the file is unreadable or empty.
        MissingExtraError: a metric's package is not installed.
    """
    wav, rate = read_wav(path)
    if wav.size == 0:
        raise AudioError(f"{path} holds no samples")
    original, decoded = reconstruct(codec, wav, rate, plan.num_codebooks, plan.device)
    bits = codec.frame_rate * math.log2(codec.codebook_size)
    copies: list[tuple[str, int | None, float, np.ndarray]]
    copies = [(f"K = {k}", k, k * bits, audio) for k, audio in decoded.items()]
    for bps in plan.opus_bps:
        copy, true_bps = opus_copy(original, codec.sample_rate, bps, kind in SPEECH_KINDS)
        copies.append((f"Opus {bps / 1000:g} kbit/s", None, true_bps, copy))
    encoder = load_speaker_encoder(plan.sim, plan.device)
    judges, text = plan.judges if kind in SPEECH_KINDS else Judges(), text_of(path)
    if judges:
        copies.insert(0, (ORIGINAL, None, 16.0 * codec.sample_rate, original))
        if judges.listener and text is None:
            text = judges.transcribe(original, codec.sample_rate)
    rows = []
    for system, k, bitrate, audio in copies:
        figures: dict[str, Any] = dict.fromkeys(METRICS)
        if system != ORIGINAL:
            figures |= codec_metrics(
                original, audio, codec.sample_rate, encoder, kind in SPEECH_KINDS
            )
        figures |= judges.judge(audio, codec.sample_rate, text or "")
        head = {"system": system, "num_codebooks": k, "bitrate_bps": bitrate}
        rows.append({**head, "seconds": original.size / codec.sample_rate, **figures})
        if plan.save_dir and system != ORIGINAL:
            name = f"k{k}" if k else system.split()[0].lower() + system.split()[1]
            write_wav(plan.save_dir / name / f"{path.stem}.wav", audio, codec.sample_rate)
    return rows


def codec_table(rows: Sequence[Mapping[str, Any]]) -> list[CodecRow]:
    """Means of `measure_file` rows (with "kind"), in their order, grouped by kind."""
    table = []
    for kind in KINDS:
        mine = [row for row in rows if row["kind"] == kind]
        for system in dict.fromkeys(row["system"] for row in mine):
            group = [row for row in mine if row["system"] == system]
            names = [*METRICS, *(m for m in OPINIONS if any(m in row for row in mine))]
            values = {m: [row[m] for row in group if row.get(m) is not None] for m in names}
            seconds = [row["seconds"] for row in group]
            # Over all the audio, so that short files do not weigh more.
            bitrate = float(np.average([r["bitrate_bps"] for r in group], weights=seconds))
            means = {m: float(np.mean(v)) if v else None for m, v in values.items()}
            counts = {m: len(v) for m, v in values.items()}
            heard = [row for row in group if "words" in row]
            if heard:
                words = sum(row["words"] for row in heard)
                means["wer"] = sum(row["errors"] for row in heard) / words
                counts["wer"] = len(heard)
            k = group[0]["num_codebooks"]
            table.append(CodecRow(kind, system, k, bitrate, len(group), means, counts))
    return table


def table_markdown(table: Sequence[CodecRow], sim_name: str) -> str:
    """The table as Markdown; a mean that not all items share says how many it stands on."""

    def cell(row: CodecRow, metric: str) -> object:
        value, count = row.metrics.get(metric), row.counts.get(metric)
        return value if value is None or count == row.num_items else f"{value:.3f} (n={count})"

    header = ("kind", "system", "bit/s", "SIM*", "STOI", "PESQ-NB", "PESQ-WB")
    header += ("mel dist.", "STFT dist.")
    judged = [m for m in JUDGED if any(m in row.metrics for row in table)]
    header += tuple(JUDGED[m] for m in judged)
    body = [
        (row.kind, row.system, round(row.bitrate_bps), *(cell(row, m) for m in (*METRICS, *judged)))
        for row in table
    ]
    counts = {row.kind: row.num_items for row in table}
    items = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return f"{markdown_table(header, body)}\n\nItems: {items}. *SIM by {sim_name}."


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m eval codec",
        description="Reconstruction metrics by number of codebooks, beside Opus. Each PATH is an "
        "audio file, a folder, or a .txt/.lst list of files.",
    )
    parser.add_argument("speech", nargs="*", type=Path, metavar="PATH", help="speech, synthesised")
    parser.add_argument(
        "--real", nargs="+", type=Path, default=[], metavar="PATH", help="recorded speech"
    )
    parser.add_argument("--sound", nargs="+", type=Path, default=[], metavar="PATH")
    parser.add_argument("--music", nargs="+", type=Path, default=[], metavar="PATH")
    parser.add_argument(
        "--held-out",
        action="store_true",
        help="of speech and real, only recordings that training leaves out by the hash of their id",
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a tokenizer folder")
    parser.add_argument("--num-codebooks", nargs="+", type=int, help="default: 1, 2, 4, … all")
    parser.add_argument(
        "--opus",
        nargs="*",
        type=float,
        metavar="KBPS",
        help="bitrates of the yardstick; without a value none; default: 6 8 12 16",
    )
    parser.add_argument("--sim", default="resemblyzer", help="or wavlm:PATH_OR_URL")
    parser.add_argument(
        "--mos", nargs="+", default=[], metavar="NAME", help="of speech: dnsmos, distillmos[:DIR]"
    )
    parser.add_argument(
        "--listener",
        default="",
        metavar="NAME",
        help="whisper:FOLDER and others of `eval intelligibility`: word errors of speech, against "
        "metadata.csv beside its folder audio/, else against what is heard in the original",
    )
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="that it hears")
    parser.add_argument("--limit", type=int, help="at most this many files a kind, evenly spread")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="folder for table.md, summary.json, items.jsonl")
    parser.add_argument("--save-wavs", action="store_true", help="keep decoded wavs under --out")
    return parser.parse_args(argv)


def _plan(args: argparse.Namespace, codec: Codec) -> Plan:
    ladder = [2**i for i in range(10) if 2**i < codec.num_codebooks] + [codec.num_codebooks]
    books = tuple(args.num_codebooks or ladder)
    wrong = [k for k in books if not 1 <= k <= codec.num_codebooks]
    if wrong:
        raise ValueError(f"num_codebooks is {wrong[0]}; this codec has 1..{codec.num_codebooks}")
    kbps = args.opus
    if kbps is None:
        installed = importlib.util.find_spec("av") is not None
        kbps = OPUS_KBPS if installed else ()
        if not installed:
            sys.stderr.write("no Opus rows: PyAV is not installed; pip install -e '.[eval]'\n")
    save_dir = args.out / "wavs" if args.save_wavs else None
    bps = tuple(round(1000 * value) for value in kbps)
    judges = Judges(tuple(args.mos), args.listener, args.device, args.lang)
    return Plan(books, bps, args.sim, judges, save_dir, args.device)


def measure(
    codec: Codec,
    files: Mapping[str, Sequence[Path]],
    plan: Plan,
    folder: Path,
    identity: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """`measure_file` over all files, kept in `folder` by content and settings.

    Args:
        files: kind -> files.
        identity: what else the figures depend on: the codec's weights.

    Returns:
        The rows with "kind" and "path", in the order of `files`.
    """
    rows: list[dict[str, Any]] = []
    for kind, paths in files.items():
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise AudioError(f"no audio file {missing[0]}")
        digests = {path: file_digest(path) for path in paths}
        settings = {
            **identity,
            "kind": kind,
            "num_codebooks": list(plan.num_codebooks),
            "opus_bps": list(plan.opus_bps),
            "sim": encoder_identity(plan.sim),
            "judges": plan.judges.identity(),
            "saved": plan.save_dir is not None,
        }

        def compute(path: Path, kind: str = kind) -> dict[str, Any]:
            return {"rows": measure_file(codec, path, kind, plan)}

        wanted = {digest: path for path, digest in digests.items()}
        found, _ = by_content(wanted, settings, folder, compute, f"codec, {kind}")
        for path, digest in digests.items():
            rows += [{"kind": kind, "path": str(path), **row} for row in found[digest]["rows"]]
    return rows


def run(args: argparse.Namespace, shard: Shard) -> int:
    """The command on one of the processes; the first one writes the table."""
    from tokenizer.checkpoint import EMBEDDED, load_codec, model_folder

    if args.out is None and (args.save_wavs or shard.count > 1):
        raise ValueError("--save-wavs and several processes need --out DIR to put things in")
    files = {
        kind: find_audio(getattr(args, kind), args.limit, args.held_out and kind in SPEECH_KINDS)
        for kind in KINDS
    }
    files = {kind: paths for kind, paths in files.items() if paths}
    if not files:
        raise ValueError("no audio file given; name files or folders that hold some")
    args.device = shard.device(args.device)
    codec = load_codec(args.model, args.device)
    plan = _plan(args, codec)
    identity = {"codec": weights_digest(model_folder(args.model, EMBEDDED))}
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out / "cache" / "codec" if args.out else Path(temporary)
        if shard.count > 1:
            mine = {kind: shard.take(paths) for kind, paths in files.items()}
            measure(codec, mine, plan, folder, identity)
            shard.wait()
            if not shard.is_main:
                return 0
        rows = measure(codec, files, plan, folder, identity)
    table = codec_table(rows)
    text = table_markdown(table, encoder_identity(args.sim))
    result = {
        "command": "codec",
        "model": str(args.model),
        "num_items": sum(len(paths) for paths in files.values()),
        "speaker_encoder": encoder_identity(args.sim),
        "rows": [asdict(row) for row in table],
    }
    if args.out:
        write_results(args.out / "items.jsonl", rows, result)
        write_text(args.out / "table.md", text + "\n")
    sys.stdout.write(f"{text}\n{json_line(result)}\n")
    return 0


def main(argv: Sequence[str]) -> int:
    """`python -m eval codec`."""
    return run(_parse(argv), this_shard())
