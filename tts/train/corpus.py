"""Speech corpora: build one with natural synthesizers, read one from disk.

    python -m tts.train.corpus build --out DIR --teachers DIR --hours 2 --voice hibari \\
        --voice kokoro:af_heart --everyday-en FILE --prose-en FILE

writes `DIR/audio/{id}.flac` (24 kHz mono), `DIR/metadata.csv` and `DIR/readings.tsv`. A killed
build leaves a usable folder, and the same command goes on where it stopped.

    python -m tts.train.corpus recordings FOLDER... --out DIR --without-held-out

makes such a folder of recordings of people.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import soundfile

from tokenizer.audio import ENDINGS
from tts.train.sentences import HAN

HEADER = "id|speaker|gender|language|seconds|text"


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One recorded sentence.

    Attributes:
        id: unique within its corpus.
        speaker: whose voice.
        gender: `f`, `m` or empty where unknown.
        language: `en` or `zh`.
        seconds: length of the recording.
        text: what is said.
        path: the audio file.
    """

    id: str
    speaker: str
    gender: str
    language: str
    seconds: float
    text: str
    path: Path


# --------------------------------------------------------------------------------- write


def table_row(utterance: Utterance) -> str:
    """Its line of `metadata.csv`."""
    u = utterance
    return f"{u.id}|{u.speaker}|{u.gender}|{u.language}|{u.seconds:.2f}|{u.text}\n"


def repair_table(table: Path) -> None:
    """Write the header of a new table; cut the half-written last line of an interrupted one."""
    cut_half_line(table, f"{HEADER}\n")


def cut_half_line(file: Path, new: str = "") -> None:
    """Cut what stands behind the last whole line; where there is none, begin with `new`."""
    old = file.read_bytes() if file.exists() else b""
    whole = old[: old.rfind(b"\n") + 1] or new.encode()
    if whole != old:
        partial = file.with_suffix(".partial")
        partial.write_bytes(whole)
        partial.replace(file)


# ---------------------------------------------------------------------------------- read


def read_corpus(folder: Path) -> list[Utterance]:
    """Read a speech folder.

    Two layouts are known: `metadata.csv` of `id|speaker|gender|language|seconds|text`, with this
    header or without one, beside `audio/{id}.flac` (or another of `ENDINGS`); and LJSpeech's
    `metadata.csv` of `id|text|normalised text` without a header beside `wavs/{id}.wav`.

    Args:
        folder: holds `metadata.csv`.

    Returns:
        Utterances in file order.

    Raises:
        ValueError: the table or a file it names is missing, or a line is malformed; the message
            gives the line number.
    """
    folder = Path(folder)
    table = folder / "metadata.csv"
    if not table.is_file():
        raise ValueError(f"{table} does not exist: give a folder with metadata.csv")
    lines = table.read_text("utf-8-sig").split("\n")
    headed = lines[0].startswith("id|")
    if headed and lines[0].strip() != HEADER:
        raise ValueError(f"{table} line 1: header {lines[0]!r}, expected {HEADER!r}")
    ours = headed or (lines[0].count("|") == HEADER.count("|") and (folder / "audio").is_dir())
    names = {
        file.stem: file
        for suffix in ENDINGS
        for file in (folder / ("audio" if ours else "wavs")).glob(f"*{suffix}")
    }
    parse = _parse_ours if ours else _parse_ljspeech
    found: dict[str, Utterance] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (headed and number == 1):
            continue
        row = line.rstrip("\r").split("|")
        where = f"{table} line {number}"
        if row[0] in found:
            raise ValueError(f"{where}: id {row[0]!r} a second time: remove one")
        if row[0] not in names:
            raise ValueError(f"{where}: no audio file for id {row[0]!r}: add it or drop the line")
        found[row[0]] = parse(row, names[row[0]], where)
    return list(found.values())


def _parse_ours(row: list[str], path: Path, where: str) -> Utterance:
    if len(row) != 6:
        raise ValueError(f"{where}: {len(row)} fields, expected 6 ({HEADER})")
    name, speaker, gender, language, seconds, text = row
    try:
        length = float(seconds)
    except ValueError as error:
        raise ValueError(f"{where}: seconds is {seconds!r}, expected a number") from error
    return Utterance(name, speaker, gender, language, length, text, path)


def _parse_ljspeech(row: list[str], path: Path, where: str) -> Utterance:
    if len(row) not in (2, 3):
        raise ValueError(f"{where}: {len(row)} fields, expected id|text|normalised text")
    language = "zh" if HAN.search(row[-1]) else "en"
    seconds = soundfile.info(path).duration
    speaker = row[0].split("-")[0]
    return Utterance(row[0], speaker, "", language, seconds, row[-1], path)


# ------------------------------------------------------------------------------- command


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m tts.train.corpus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(required=True)
    command = commands.add_parser("build", help="have synthesizers speak texts")
    command.add_argument("--out", type=Path, required=True, help="folder to write or go on with")
    command.add_argument(
        "--teachers", type=Path, required=True, help="folder that scripts/fetch_teachers.py filled"
    )
    command.add_argument(
        "--voice", action="append", required=True, dest="voices", metavar="VOICE",
        help="hibari, kokoro:NAME, kokoro:mix:N or kokoro:zmix:N; several in turns",
    )  # fmt: skip
    for language, name in (("en", "English"), ("zh", "Mandarin")):
        command.add_argument(
            f"--everyday-{language}", type=Path, metavar="FILE",
            help=f"{name} sentences of daily life, one a line",
        )  # fmt: skip
        command.add_argument(
            f"--prose-{language}", type=Path, metavar="FILE", help=f"{name} sentences of books"
        )
    command.add_argument("--hours", type=float, required=True, help="of speech by all voices")
    command.add_argument(
        "--leave-out", type=Path, nargs="+", action="extend", default=[], metavar="FILE",
        help="sentences never to speak, one a line",
    )  # fmt: skip
    command.add_argument(
        "--rates", type=float, nargs=2, default=(0.85, 1.2), metavar=("LOW", "HIGH"),
        help="speaking rates to draw from; 1 is a voice's own, and the likeliest",
    )  # fmt: skip
    command.add_argument("--seed", type=int, default=0, help="another one says other things")
    command.set_defaults(run=_build)
    command = commands.add_parser("recordings", help="level recordings of people")
    command.add_argument("folders", nargs="+", type=Path, help="with a metadata.csv each")
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--only", nargs="+", default=[], metavar="SPEAKER")
    command.add_argument("--without", nargs="+", default=[], metavar="SPEAKER")
    command.add_argument(
        "--without-held-out", action="store_true",
        help="leave out the tenth of all speakers that `eval` keeps for tests",
    )  # fmt: skip
    command.set_defaults(run=_recordings)
    return p


def main(argv: list[str] | None = None) -> int:
    """Run `build` or `recordings`; return the exit status."""
    args = parser().parse_args(argv)
    try:
        corpus = args.run(args)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(corpus)} utterances, {sum(u.seconds for u in corpus) / 3600:.2f} hours")
    return 0


def _build(args: argparse.Namespace) -> list[Utterance]:
    from tts.train.build import BuildPlan, build

    texts = {
        kind: {
            language: path
            for language in ("en", "zh")
            if (path := getattr(args, f"{kind}_{language}"))
        }
        for kind in ("everyday", "prose")
    }
    left_out = [line for file in args.leave_out for line in file.read_text("utf-8").splitlines()]
    low, high = args.rates
    plan = BuildPlan(
        args.out, args.teachers, texts["everyday"], texts["prose"], args.voices, args.hours,
        low, high, frozenset(left_out), args.seed,
    )  # fmt: skip
    return build(plan)


def _recordings(args: argparse.Namespace) -> list[Utterance]:
    from tts.train.recordings import import_recordings

    return import_recordings(args.folders, args.out, args.only, args.without, args.without_held_out)


if __name__ == "__main__":
    sys.exit(main())
