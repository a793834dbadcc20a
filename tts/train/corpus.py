"""Speech corpora: build one with open synthesizers, read one from disk.

    python -m tts.train.corpus build --out DIR --text FILE --voice slt --hours 2

writes `DIR/audio/{id}.flac` (16 kHz mono) and `DIR/metadata.csv`. A killed build leaves a usable
folder, and the same command goes on where it stopped.

    python -m tts.train.corpus recordings FOLDER... --out DIR --without SPEAKER...

makes such a folder of recordings of people.
"""

import argparse
import dataclasses
import itertools
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import soundfile

from tts.train.sentences import HAN, sentence_key, sentences
from tts.train.teachers import SAMPLE_RATE_HZ, Teacher, find_teacher, speak

HEADER = "id|speaker|gender|language|seconds|text"
_AUDIO_SUFFIXES = (".opus", ".flac", ".wav")
_MAX_CLIP_S = 8.0
_MIN_CLIP_S = 0.3


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


# --------------------------------------------------------------------------------- build


@dataclasses.dataclass(frozen=True)
class BuildPlan:
    """What to build.

    Attributes:
        out: folder to write.
        texts: files of sentences.
        voices: names in `tts.train.teachers.TEACHERS`; each gets an equal share of the time.
        hours: total length of speech.
        everyday: share of English sentences from templates, in [0, 1].
        rate_jitter: speaking rate is drawn from 1 ± this, at most 0.1.
        left_out: sentences never to speak (those a test is held on).
        seed: of everything random.
    """

    out: Path
    texts: list[Path]
    voices: list[str]
    hours: float
    everyday: float = 0.5
    rate_jitter: float = 0.0
    left_out: frozenset[str] = frozenset()
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class _Item:
    id: str
    voice: str
    teacher: Teacher
    text: str
    rate: float


def _items(plan: BuildPlan) -> Iterator[_Item]:
    """Yield what to speak, one voice after the other, so that any beginning is balanced."""
    teachers = {voice: find_teacher(voice) for voice in plan.voices}
    left_out = {sentence_key(sentence) for sentence in plan.left_out}
    streams = {
        language: sentences(plan.texts, language, plan.everyday, plan.seed, left_out)
        for language in {teacher.language for teacher in teachers.values()}
    }
    rng = random.Random(f"{plan.seed} rate")
    for index in itertools.count():
        for voice, teacher in teachers.items():
            if (text := next(streams[teacher.language], None)) is None:
                return
            rate = round(1 + plan.rate_jitter * rng.uniform(-1, 1), 3)
            yield _Item(f"{voice}_{index:06d}", voice, teacher, text, rate)


def _synthesize(plan: BuildPlan, item: _Item) -> Utterance | None:
    """Speak one item to its file; None where the clip is unusable."""
    try:
        wav = speak(item.teacher, item.text, item.rate)
    except ValueError as error:
        print(f"skipped {item.id}: {error}", file=sys.stderr)
        return None
    seconds = len(wav) / SAMPLE_RATE_HZ
    if not _MIN_CLIP_S <= seconds <= _MAX_CLIP_S:
        return None
    path = plan.out / "audio" / f"{item.id}.flac"
    # a kill while writing must not leave a broken file under the final name
    partial = path.with_suffix(".partial")
    soundfile.write(partial, wav, SAMPLE_RATE_HZ, subtype="PCM_16", format="FLAC")
    partial.replace(path)
    teacher = item.teacher
    return Utterance(
        item.id, item.voice, teacher.gender, teacher.language, seconds, item.text, path
    )


def build(plan: BuildPlan, jobs: int = 2) -> list[Utterance]:
    """Speak sentences until every voice has its share of the hours, or the text runs out.

    Args:
        plan: what to build; a folder begun with the same plan is continued.
        jobs: programs to run at a time.

    Returns:
        The whole corpus, as `read_corpus` gives it.

    Raises:
        ValueError: a setting is out of range, a program or the text is missing.
    """
    _check_plan(plan)
    (plan.out / "audio").mkdir(parents=True, exist_ok=True)
    table = plan.out / "metadata.csv"
    repair_table(table)
    done = {u.id: u.seconds for u in read_corpus(plan.out)}
    goal_s = plan.hours * 3600 / len(plan.voices)
    have_s = dict.fromkeys(plan.voices, 0.0)
    items = _items(plan)
    with ThreadPoolExecutor(jobs) as pool, table.open("a", encoding="utf-8") as rows:
        while min(have_s.values()) < goal_s:
            batch = list(itertools.islice(items, 16 * jobs))
            if not batch:
                print("the text ran out before the hours were full", file=sys.stderr)
                break
            batch = [item for item in batch if have_s[item.voice] < goal_s]
            for item in batch:
                have_s[item.voice] += done.get(item.id, 0.0)
            todo = [item for item in batch if item.id not in done]
            for made in pool.map(lambda item: _synthesize(plan, item), todo):
                if made:
                    have_s[made.speaker] += made.seconds
                    rows.write(table_row(made))
            rows.flush()
    return read_corpus(plan.out)


def _check_plan(plan: BuildPlan) -> None:
    if not plan.voices:
        raise ValueError("no voice: give at least one --voice")
    for name, value, high in (
        ("hours", plan.hours, 1000.0),
        ("everyday", plan.everyday, 1.0),
        ("rate_jitter", plan.rate_jitter, 0.1),
    ):
        if not 0 <= value <= high:
            raise ValueError(f"{name} is {value}: it must be between 0 and {high:g}")


def table_row(utterance: Utterance) -> str:
    """Its line of `metadata.csv`."""
    u = utterance
    return f"{u.id}|{u.speaker}|{u.gender}|{u.language}|{u.seconds:.2f}|{u.text}\n"


def repair_table(table: Path) -> None:
    """Write the header of a new table; cut the half-written last line of an interrupted one."""
    old = table.read_bytes() if table.exists() else b""
    whole = old[: old.rfind(b"\n") + 1] or f"{HEADER}\n".encode()
    if whole != old:
        partial = table.with_suffix(".partial")
        partial.write_bytes(whole)
        partial.replace(table)


# ---------------------------------------------------------------------------------- read


def read_corpus(folder: Path) -> list[Utterance]:
    """Read a speech folder.

    Two layouts are known: `metadata.csv` with the header `id|speaker|gender|language|seconds|text`
    beside `audio/{id}.opus|.flac|.wav`, and LJSpeech's `metadata.csv` of `id|text|normalised text`
    without a header beside `wavs/{id}.wav`.

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
    names = {
        file.stem: file
        for suffix in _AUDIO_SUFFIXES
        for file in (folder / ("audio" if headed else "wavs")).glob(f"*{suffix}")
    }
    parse = _parse_headed if headed else _parse_ljspeech
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


def _parse_headed(row: list[str], path: Path, where: str) -> Utterance:
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


def main(argv: list[str] | None = None) -> int:
    """Run `build` or `recordings`; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tts.train.corpus", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("build", help="speak text files")
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--text", type=Path, action="append", required=True)
    command.add_argument("--voice", action="append", required=True)
    command.add_argument("--hours", type=float, required=True)
    command.add_argument("--everyday", type=float, default=0.5)
    command.add_argument("--rate-jitter", type=float, default=0.0)
    command.add_argument("--leave-out", type=Path, help="file of sentences never to speak")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--jobs", type=int, default=2)
    command.set_defaults(run=_build)
    command = commands.add_parser("recordings", help="level recordings of people")
    command.add_argument("folders", nargs="+", type=Path, help="with a metadata.csv each")
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--only", nargs="+", default=[], metavar="SPEAKER")
    command.add_argument("--without", nargs="+", default=[], metavar="SPEAKER")
    command.set_defaults(run=_recordings)
    args = parser.parse_args(argv)
    try:
        corpus = args.run(args)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(corpus)} utterances, {sum(u.seconds for u in corpus) / 3600:.2f} hours")
    return 0


def _build(args: argparse.Namespace) -> list[Utterance]:
    left_out = args.leave_out.read_text("utf-8").splitlines() if args.leave_out else []
    plan = BuildPlan(
        args.out, args.text, args.voice, args.hours, args.everyday, args.rate_jitter,
        frozenset(left_out), args.seed,
    )  # fmt: skip
    return build(plan, args.jobs)


def _recordings(args: argparse.Namespace) -> list[Utterance]:
    from tts.train.recordings import import_recordings

    return import_recordings(args.folders, args.out, args.only, args.without)


if __name__ == "__main__":
    sys.exit(main())
