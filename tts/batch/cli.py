"""`cat-tts batch`: its options, and from them to a run.

Only the standard library is imported at the top, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tts.control import add_check, add_control, check_speed, control_from

EPILOG = """exit codes:
  0 all is done, 2 the input or the folder is unusable, 3 some items failed (see summary.json),
  4 all is done but bad rows, which --skip-bad left out, 130 stopped; in each case the same command
  goes on where it ended.

columns: id, text, voice | prompt_wav + prompt_text, lang, seed, format, num_codebooks,
  speed, times, check, temperature, top_p, top_k, repetition_penalty, guidance, text_temperature
"""


def add_batch(commands) -> None:
    """Register `batch` with the subcommands of `cat-tts`."""
    batch = commands.add_parser(
        "batch",
        help="speak a whole manifest into a folder; can be killed and started again",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    batch.add_argument("manifest", metavar="MANIFEST", help=".csv .tsv .jsonl .lst or .txt")
    batch.add_argument("-o", "--output", required=True, metavar="DIR", help="made if need be")
    _add_input(batch.add_argument_group("input"))
    _add_output(batch.add_argument_group("output"))
    _add_speech(batch.add_argument_group("speech, where a row says nothing"))
    add_control(batch.add_argument_group("speed, pauses, voices of a play"))
    add_check(batch.add_argument_group("check, where a row says nothing"))
    _add_guard(batch.add_argument_group("guard against speech gone wrong"))
    _add_work(batch.add_argument_group("work"))
    model = batch.add_argument_group("model")
    model.add_argument(
        "--model", default="embedded", help="'embedded', a model folder, or a hub id OWNER/MODEL"
    )
    model.add_argument("--codec", help="likewise, of a tokenizer; default: the model's own")
    model.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    model.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")


def _add_input(group) -> None:
    group.add_argument("--manifest-format", choices=("csv", "tsv", "jsonl", "lst", "txt"))
    group.add_argument("--skip-bad", action="store_true", help="go on without bad rows")
    group.add_argument("--retry-failed", action="store_true", help="try again what failed for good")
    group.add_argument(
        "--verify", action="store_true", help="read finished outputs, not only their size and time"
    )


def _add_output(group) -> None:
    group.add_argument(
        "--format", default="wav", choices=("wav", "flac", "mp3", "opus", "ogg"), help="default wav"
    )
    group.add_argument("--codes-only", action="store_true", help="store codes, no sound")
    group.add_argument("--srt", action="store_true", help="write subtitles of sentences")
    group.add_argument("--vtt", action="store_true", help="and with the times of words")
    group.add_argument("--times", action="store_true", help="write all times as JSON")
    group.add_argument(
        "--listing",
        action="append",
        choices=("ljspeech", "kaldi", "none"),
        help="lists of what is done; may be given twice (default ljspeech)",
    )
    group.add_argument(
        "--shards", type=int, default=1, metavar="N", help="spread outputs over N folders"
    )


def _add_speech(group) -> None:
    group.add_argument("--voice", metavar="NAME", help="see `cat-tts voice list`")
    group.add_argument("--lang", choices=("auto", "en", "zh"), default="auto")
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--num-codebooks", type=int, metavar="K", help="fewer is faster, rougher")
    group.add_argument("--temperature", type=float, metavar="T", help="audio; 0 is greedy")
    group.add_argument("--top-p", type=float, metavar="P", help="audio; in (0, 1]")
    group.add_argument("--top-k", type=int, metavar="N", help="audio; 0 is off")
    group.add_argument("--repetition-penalty", type=float, metavar="R", help="audio; 1 is off")
    group.add_argument(
        "--guidance", type=float, metavar="G", help="how far the text pulls; 1 is off, and faster"
    )
    group.add_argument("--text-temperature", type=float, metavar="T", help="of the pace")


def _add_guard(group) -> None:
    group.add_argument(
        "--retries", type=int, default=2, metavar="N", help="with other seeds (default 2)"
    )
    group.add_argument(
        "--max-silence", type=float, default=3.0, metavar="S", help="seconds; 0 is off (default 3)"
    )
    group.add_argument(
        "--max-repeat", type=float, default=3.0, metavar="S", help="seconds; 0 is off (default 3)"
    )


def _add_work(group) -> None:
    group.add_argument(
        "--batch-size", type=int, default=16, metavar="B", help="sentences at once (default 16)"
    )
    group.add_argument("--writers", type=int, default=2, metavar="N", help="threads (default 2)")
    group.add_argument("--engine", choices=("local", "ray"), default="local")
    group.add_argument("--address", help="of a Ray cluster; default: one of this machine's own")
    group.add_argument(
        "--workers", type=int, default=0, metavar="N", help="Ray actors; 0: one per GPU or core"
    )
    group.add_argument(
        "--worst", type=int, default=0, metavar="N", help="list N checked items to listen to"
    )
    group.add_argument("--json", action="store_true", help="print the summary as one JSON line")
    group.add_argument("--quiet", action="store_true", help="no progress")


def run_command(args: argparse.Namespace) -> int:
    """Run `cat-tts batch`.

    Returns:
        0, 3, 4 or 130; see `EPILOG`.

    Raises:
        ValueError: manifest, options or the output folder are unusable.
    """
    from tts.batch.progress import Progress, standard_error
    from tts.batch.run import Job, run_batch, this_worker
    from tts.batch.store import PlaceError

    worker = this_worker()
    job = _job(args, Job)
    progress = Progress(0, 0, standard_error(args.quiet or worker.rank > 0))
    engine = _engine(args)
    try:
        code, summary = run_batch(job, _settings(args), engine, worker, progress, _say)
    except PlaceError as error:
        if progress.done:
            _say(f"{progress.done} items of this run are safe; mend this and start it again")
        raise ValueError(str(error)) from error
    if args.json:
        print(json.dumps(summary, ensure_ascii=False))
    else:
        print(_report(summary, args.output))
        for line in _worst(Path(args.output), args.worst):
            print(line)
    return code


def _job(args: argparse.Namespace, job_type):
    from tts.batch.rows import Defaults, check_sampling
    from tts.model.config import MAX_SEED, SAMPLING

    _at_least(args, "batch_size", 1)
    _at_least(args, "writers", 1)
    _at_least(args, "workers", 0)
    _at_least(args, "worst", 0)
    if not 0 <= args.seed <= MAX_SEED:
        raise ValueError(f"seed is {args.seed}; use 0 to {MAX_SEED}")
    if args.num_codebooks is not None:
        _at_least(args, "num_codebooks", 1)
    asked = {name: getattr(args, name) for name in SAMPLING}
    sampling = {name: value for name, value in asked.items() if value is not None}
    for name, value in sampling.items():
        for reason in check_sampling(name, value):
            raise ValueError(reason)
    if "://" in args.output:
        raise ValueError(
            f"{args.output} is a URL; give a folder, of a disk that all machines share"
        )
    manifest = Path(args.manifest)
    defaults = Defaults(
        folder=manifest.parent,
        voice=args.voice,
        lang=args.lang,
        seed=args.seed,
        format=args.format,
        num_codebooks=args.num_codebooks,
        sampling=tuple(sorted(sampling.items())),
        speed=check_speed(args.speed),
        times=_times(args),
        ssml=args.ssml or None,
        check=args.check,
    )
    listings = tuple(sorted(set(args.listing or ["ljspeech"]) - {"none"}))
    return job_type(
        manifest=manifest,
        output=Path(args.output),
        defaults=defaults,
        model=args.model,
        codec=args.codec,
        device=args.device,
        dtype=args.dtype,
        kind=args.manifest_format,
        skip_bad=args.skip_bad,
        retry_failed=args.retry_failed,
        verify=args.verify,
        batch_size=args.batch_size,
        num_writers=args.writers,
        listings=listings,
        listener=args.listener,
    )


def _settings(args: argparse.Namespace):
    from tts.batch.plan import Settings

    for name, least in (("retries", 0), ("max_silence", 0), ("max_repeat", 0), ("shards", 1)):
        _at_least(args, name, least)
    if args.codes_only and _times(args):
        raise ValueError(
            "--srt, --vtt and --times go with sound, and --codes-only writes none; drop one"
        )
    control = control_from(args)
    return Settings(
        model="",
        codec="",
        retries=args.retries,
        max_silence_s=args.max_silence,
        max_repeat_s=args.max_repeat,
        codes_only=args.codes_only,
        shards=args.shards,
        sentence_pause_s=control["sentence_pause_s"],
        paragraph_pause_s=control["paragraph_pause_s"],
        cast=tuple(sorted(control["cast"].items())),
        ssml=control["ssml"],
    )


def _times(args: argparse.Namespace) -> tuple[str, ...]:
    asked = {"srt": args.srt, "vtt": args.vtt, "json": args.times}
    return tuple(sorted(kind for kind, wanted in asked.items() if wanted))


def _engine(args: argparse.Namespace):
    """The engine, loaded once there is work for it."""
    if args.engine == "local":
        return _Local(args.device)
    from tts.batch.cluster import RayEngine

    return RayEngine(args.address, args.workers)


class _Local:
    """`LocalEngine`, imported with torch only when there is something to do."""

    def __init__(self, device: str) -> None:
        self.device = device

    def work(self, run, todo, settled) -> None:
        from tokenizer.cli import check_device
        from tts.batch.local import LocalEngine

        check_device(run.worker.device(self.device))
        LocalEngine().work(run, todo, settled)


def _at_least(args: argparse.Namespace, name: str, least: int) -> None:
    value = getattr(args, name)
    if not value >= least:  # NaN too
        raise ValueError(f"--{name.replace('_', '-')} is {value}; use {least} or more")


def _report(summary: dict, output: str) -> str:
    run = summary["run"]
    return (
        f"{output}: {summary['done']} of {summary['items']} items done "
        f"({summary['audio_hours']:.3f} h of speech), {summary['failed']} failed, "
        f"{summary['left']} left; this run: {run['done']} in {run['wall_s']:.0f} s, "
        f"RTF {run['rtf']:.3f}"
    )


def _worst(output: Path, number: int) -> list[str]:
    """The first lines of what was read back, whose header is one of them."""
    from tts.batch.listings import CHECKS

    path = output / CHECKS
    if not number:
        return []
    if not path.is_file():
        raise ValueError("--worst: nothing was read back; give --check, or a column check")
    return path.read_text(encoding="utf-8").splitlines()[: 1 + number]


def _say(message: str) -> None:
    print(f"cat-tts: {message}", file=sys.stderr, flush=True)
