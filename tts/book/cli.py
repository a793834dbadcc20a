"""`cat-tts book`: read, speak part by part as a batch, put together."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tts.control import add_check, add_control, control_from

if TYPE_CHECKING:
    from tts.book.chapters import Book, Part

# Each part ends in a short silence of its own, so that its last sound is cut off cleanly.
EDGE_S = 0.05
MANIFEST = "parts.jsonl"
FORMATS = ("mp3", "wav", "flac", "ogg", "opus")


def add_book(commands) -> None:
    """Register `book` with the subcommands of `cat-tts`."""
    book = commands.add_parser(
        "book",
        help="speak a book: chapters, marks, subtitles; can be killed and started again",
        description="Speak a .txt, .md or .epub. Chapters go by headings. Killed at any moment, "
        "the same command goes on where it was.",
    )
    book.add_argument("file", metavar="FILE", help=".txt .md or .epub")
    book.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="a folder for one file a chapter, or one .m4b or .mp3 with chapter marks",
    )
    book.add_argument("--format", choices=FORMATS, default="mp3", help="of files in a folder")
    book.add_argument("--title", help="default: as the file tells, else its name")
    book.add_argument("--author", help="default: as the file tells")
    book.add_argument("--voice", metavar="NAME", help="see `cat-tts voice list`")
    book.add_argument("--lang", choices=("auto", "en", "zh"), default="auto")
    book.add_argument("--seed", type=int, default=0)
    add_check(book.add_argument_group("check"))
    add_control(book.add_argument_group("speed, pauses, voices of a play"))
    book.add_argument("--batch-size", type=int, default=16, metavar="B", help="sentences at once")
    book.add_argument("--model", default="embedded", help="'embedded', a folder, or a hub id")
    book.add_argument("--codec", help="likewise, of a tokenizer")
    book.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    book.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    book.add_argument("--keep-parts", action="store_true", help="leave what it was made of")
    book.add_argument("--quiet", action="store_true", help="no progress")


def run_book(args: argparse.Namespace) -> int:
    """Speak a book.

    Returns:
        0; 3 where parts failed, or 130 where it was stopped: the same command goes on.

    Raises:
        ValueError: the book, an option or the place is unusable.
    """
    from tokenizer.files import OutputError, check_folder
    from tts.book.chapters import parts_of, read_book
    from tts.book.sound import SINGLE

    control = control_from(args)
    if args.ssml:
        raise ValueError("--ssml is for single texts; a book is .txt, .md or .epub")
    if find_spec("pyloudnorm") is None:
        raise ValueError("a book's loudness is measured by pyloudnorm; pip install 'cat-tts[book]'")
    output = Path(args.output)
    single = output.suffix.lower() in SINGLE
    if not single and output.suffix and not output.is_dir():
        raise ValueError(f"{output}: give a folder, or a name that ends in .m4b or .mp3")
    check_folder(output) if single else check_folder(output.absolute().with_name("_"))
    if output.is_file() and not single:
        raise OutputError(f"{output} is a file; give the name of a folder")
    book = _named(read_book(args.file), args)
    parts = [parts_of(chapter, bool(control["cast"])) for chapter in book.chapters]
    work = output.with_name(f".{output.name}.parts")
    code = _speak(args, control, parts, work)
    if code:
        return code
    _put_together(args, book, parts, work)
    if not args.keep_parts:
        shutil.rmtree(work)
    print(f"{output}: {len(book.chapters)} chapters")
    return 0


def _named(book: Book, args: argparse.Namespace) -> Book:
    from dataclasses import replace

    title = args.title or book.title or Path(args.file).stem
    return replace(book, title=title, author=args.author or book.author)


def _id(chapter: int, part: int) -> str:
    return f"c{chapter + 1:04d}-{part + 1:04d}"


def _speak(args: argparse.Namespace, control: dict, parts: list[list[Part]], work: Path) -> int:
    """All parts, as a batch in the folder `work`; its exit code."""
    from tts.batch.local import LocalEngine
    from tts.batch.plan import Settings
    from tts.batch.progress import Progress, standard_error
    from tts.batch.rows import Defaults
    from tts.batch.run import Job, Worker, run_batch

    rows = []
    for chapter, own in enumerate(parts):
        for number, part in enumerate(own):
            between = control["paragraph_pause_s" if part.paragraph else "sentence_pause_s"]
            rest = max(0.0, between - EDGE_S)
            pause = f"[pause {rest:.3f}s] " if number and rest else ""
            text = f"{pause}{part.text} [pause {EDGE_S}s]"
            rows.append({"id": _id(chapter, number), "text": text})
    work.mkdir(exist_ok=True)
    manifest = work / MANIFEST
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    manifest.write_text("".join(lines), encoding="utf-8")
    job = Job(
        manifest=manifest,
        output=work,
        defaults=Defaults(
            folder=work,
            voice=args.voice,
            lang=args.lang,
            seed=args.seed,
            format="flac",
            speed=args.speed,
            times=("json",),
            check=args.check,
        ),
        model=args.model,
        codec=args.codec,
        device=args.device,
        dtype=args.dtype,
        batch_size=args.batch_size,
        listings=(),
        listener=args.listener,
    )
    settings = Settings(
        model="",
        codec="",
        sentence_pause_s=args.sentence_pause,
        paragraph_pause_s=args.paragraph_pause,
        cast=tuple(sorted(control["cast"].items())),
    )
    progress = Progress(0, 0, standard_error(args.quiet))
    code, summary = run_batch(job, settings, LocalEngine(), Worker(), progress, _say)
    for name, reason in summary["failures"].items():
        _say(f"part {name} failed: {reason}")
    return code


def _put_together(
    args: argparse.Namespace, book: Book, parts: list[list[Part]], work: Path
) -> None:
    from tts.book.sound import SINGLE, chapter_file, chapter_sound, write_chapter, write_single

    output, sounds, rate = Path(args.output), [], 0
    single = output.suffix.lower() in SINGLE
    if not single:
        output.mkdir(exist_ok=True)
    for number, (chapter, own) in enumerate(zip(book.chapters, parts, strict=True)):
        names = [_id(number, index) for index in range(len(own))]
        files = [(work / f"wavs/{name}.flac", work / f"json/{name}.json") for name in names]
        if not files:
            continue
        sound, rate = chapter_sound(chapter.title, files)
        if single:
            sounds.append(sound)
        else:
            name = chapter_file(number + 1, chapter.title, len(book.chapters))
            write_chapter(output, name, sound, rate, args.format)
    if single:
        write_single(output, book, sounds, rate)


def _say(message: str) -> None:
    print(f"cat-tts: {message}", file=sys.stderr, flush=True)
