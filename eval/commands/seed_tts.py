"""The Seed-TTS benchmark in one command: speak, listen, compare speakers, report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from eval.cache import file_digest, key_of, write_text
from eval.metrics.mos import load_rater, rater_identity
from eval.metrics.similarity import encoder_identity, load_speaker_encoder
from eval.metrics.wer import LANGUAGES, RULES, score_utterance, script_warning
from eval.report import json_line, write_results
from eval.reports.scores import Heard, Row, Score, line_of, make_rows, order_holds, row_json, score
from eval.reports.seed_report import Facts, html, markdown
from eval.shards import Shard, this_shard
from eval.systems import stages
from eval.systems.asr import OFFICIAL_WHISPER, listener_identity, load_listener
from eval.systems.meta import MetaItem, guess_lang, read_meta
from eval.systems.systems import (
    MODES,
    ModelHandle,
    ModelSystem,
    ResynthesisSystem,
    System,
    folder_system,
    truth_system,
)

NONE = "none"
DEFAULT_LISTENER = {"en": "pocketsphinx", "zh": NONE}
OFFICIAL = {"en": f"whisper:{OFFICIAL_WHISPER}", "zh": "paraformer-zh"}


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m eval seed-tts",
        description="Seed-TTS evaluation of a model or of a folder of wavs. Resumable: the same "
        "command goes on where the last one ended, and does nothing when all is done.",
    )
    parser.add_argument("meta", type=Path, help="meta.lst: 2, 3, 4 or 5 fields between '|'")
    parser.add_argument("--out", type=Path, required=True, help="folder of sounds and report")
    parser.add_argument("--model", help="embedded (default), or a model folder")
    parser.add_argument("--wavs", type=Path, help="score DIR/UTT.wav of any system, no model")
    parser.add_argument("--lang", choices=LANGUAGES, help="default: by the texts' script")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=["clone"])
    parser.add_argument("--num-codebooks", nargs="+", type=int, metavar="K", help="default: all")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 … N-1")
    parser.add_argument("--best-of", action="store_true", help="add rows: best of the N seeds")
    parser.add_argument("--limit", type=int, help="only the first so many items")
    parser.add_argument("--voice", help="for items without a prompt recording")
    parser.add_argument(
        "--asr",
        help="pocketsphinx (en's default), whisper:FOLDER_OR_ID[@COMMIT], paraformer-zh, "
        f"paraformer:FOLDER, or none (zh's default). Official: {OFFICIAL['en']}, {OFFICIAL['zh']}",
    )
    parser.add_argument("--sim", default="resemblyzer", help="or wavlm:PATH_OR_URL, or none")
    parser.add_argument("--mos", default=NONE, help="dnsmos, or none")
    parser.add_argument("--device", default="cpu", help="torch device: cpu, cuda, …")
    return parser


def _check(args: argparse.Namespace) -> None:
    if args.seeds < 1:
        raise ValueError(f"--seeds is {args.seeds}, must be at least 1")
    if args.best_of and args.seeds < 2:
        raise ValueError("--best-of needs --seeds of at least 2 to choose from")
    if args.wavs and (args.seeds > 1 or (args.num_codebooks and not args.model)):
        raise ValueError("--wavs scores files as they are; --seeds and --num-codebooks do not fit")


def make_systems(args: argparse.Namespace, items: Sequence[MetaItem], lang: str) -> list[System]:
    """The rows of the report: recordings, resynthesis, then what is under test."""
    systems: list[System] = []
    has_truth = any(item.truth_wav for item in items)
    if has_truth:
        systems.append(truth_system())
    handle = ModelHandle(args.model or "embedded", args.device)
    books: list[int] = []
    if args.model or not args.wavs:
        books = sorted(set(args.num_codebooks or [handle.config.n_vq]))
        wrong = [k for k in books if not 1 <= k <= handle.config.n_vq]
        if wrong:
            raise ValueError(f"--num-codebooks {wrong[0]}: this model has 1..{handle.config.n_vq}")
    if has_truth:
        systems += [ResynthesisSystem(handle, k) for k in books]
    if args.wavs:
        return [*systems, folder_system(args.wavs)]
    seeds = range(args.seeds)
    modes = dict.fromkeys(args.mode)
    systems += [ModelSystem(handle, m, k, lang, seeds, args.voice) for m in modes for k in books]
    return systems


def measure(
    args: argparse.Namespace,
    items: Sequence[MetaItem],
    systems: Sequence[System],
    lang: str,
    counts: stages.Counts,
) -> dict[str, list[Score]]:
    """All stages over `items`; key of a system -> its scored outputs."""
    out: Path = args.out
    # A line that names no recording is no failure of the recordings.
    recorded = [item for item in items if item.truth_wav]
    needs = {"recording": recorded, "resynthesis": recorded}
    ready = partial(_load_judges, args, lang)
    spoken = {
        s.key: stages.speak(s, needs.get(s.kind, items), out / "wavs", counts, ready)
        for s in systems
    }
    everything = [one for some in spoken.values() for one in some]
    transcripts = embeddings = prompts = scores = None
    if args.asr != NONE:
        load = partial(load_listener, args.asr, args.device, lang)
        identity = f"{listener_identity(args.asr, lang)}, {lang}"
        transcripts = stages.listen(everything, identity, load, out / "cache" / "asr", counts)
    if args.sim != NONE:
        found = {i.utt: i.prompt_wav for i in items if i.prompt_wav and i.prompt_wav.is_file()}
        prompts = {utt: file_digest(path) for utt, path in found.items()}
        # A line whose prompt is missing is told apart from one that names none.
        prompts |= {i.utt: "" for i in items if i.prompt_wav and i.utt not in prompts}
        paths = [*found.values(), *(s.path for s in everything if s.path)]
        load = partial(load_speaker_encoder, args.sim, args.device)
        identity = encoder_identity(args.sim)
        embeddings = stages.embed(paths, identity, load, out / "cache" / "sim", counts)
    if args.mos != NONE:
        load = partial(load_rater, args.mos)
        scores = stages.rate(
            everything, rater_identity(args.mos), load, out / "cache" / "mos", counts
        )
    heard = Heard(transcripts, embeddings, prompts, scores)
    return {key: score(some, lang, heard) for key, some in spoken.items()}


def facts_of(
    args: argparse.Namespace,
    items: Sequence[MetaItem],
    lang: str,
    rows: Sequence[Row],
    order: Mapping[str, Any],
) -> Facts:
    """What stands above and below the table."""
    official_sim = args.sim.startswith("wavlm:")
    listener = "none" if args.asr == NONE else listener_identity(args.asr, lang)
    settings = {
        "meta file": f"{args.meta.name} (sha256 {file_digest(args.meta)[:16]})",
        "items, language": f"{len(items)}, {lang}",
        "listener": listener + _standing(args.asr, lang),
        "speaker encoder": "none" if args.sim == NONE else encoder_identity(args.sim),
        "opinion scores": "none" if args.mos == NONE else rater_identity(args.mos),
    }
    handle = ModelHandle(args.model or "embedded")
    if not args.wavs or args.model:
        settings["model"] = f"{handle.name} (weights {key_of(handle.identity)[:16]})"
    notes = [
        "Official rate: text rules of the Seed-TTS scripts, mean of the utterances' rates.",
        "Corpus rate: all errors over all words, after spelling and numbers are normalised; not "
        "comparable with the official one.",
        "A missing or unreadable output counts as 100 % error. SIM is the mean over the outputs "
        "that have an embedding; 'with SIM' says how many.",
        "Intervals: percentile bootstrap over items, 95 %, 2000 draws.",
    ]
    if args.sim != NONE and not official_sim:
        notes.append("This SIM is by a stand-in and must not be set beside published figures.")
    script = sum(row.num_script for row in rows)
    if script:
        notes.append(f"Mind: {script_warning(script)}.")
    if any(row.kind == "best" for row in rows):
        notes.append("'Best of' rows choose by the reported figures: what an oracle would reach.")
    title = f"Seed-TTS evaluation, {lang}: " + (args.wavs.name if args.wavs else handle.name)
    return Facts(title, settings, lang, order, notes)


def _standing(asr: str, lang: str) -> str:
    """Whether the listener is the official one, for the report."""
    name = asr.partition("@")[0]
    if asr == NONE or name == OFFICIAL[lang]:
        return "" if asr == NONE else " (official)"
    kind, _, place = name.partition(":")
    if kind == OFFICIAL[lang].partition(":")[0].removesuffix("-zh") and Path(place).is_dir():
        return f" (official if that folder holds {OFFICIAL[lang].removeprefix('whisper:')})"
    return " (stand-in: not the official listener)"


def write_report(
    args: argparse.Namespace,
    facts: Facts,
    rows: Sequence[Row],
    outputs: dict[str, list[Score]],
) -> dict[str, Any]:
    """utterances.jsonl, summary.json, report.md and report.html; returns the summary."""
    out: Path = args.out
    lines = [line_of(key, one, out) for key, some in outputs.items() for one in some]
    summary = {
        "command": "seed-tts",
        "settings": dict(facts.settings),
        "lang": facts.lang,
        "rows": [row_json(row) for row in rows],
        "order": facts.order,
    }
    write_results(out / "utterances.jsonl", lines, summary)
    write_text(out / "report.md", markdown(facts, rows, outputs))
    write_text(out / "report.html", html(facts, rows, outputs, out))
    return summary


def run(args: argparse.Namespace, shard: Shard) -> int:
    """The command on one of the processes; the first one writes the report."""
    _check(args)
    items = read_meta(args.meta, args.limit)
    lang = args.lang or guess_lang(items)
    args.asr = args.asr or DEFAULT_LISTENER[lang]
    args.device = shard.device(args.device)
    systems = make_systems(args, items, lang)
    _check_names(args, lang)
    counts = stages.Counts()
    mine = shard.take(items)
    if shard.count > 1:
        if mine:
            measure(args, mine, systems, lang, counts)
        shard.wait()
        if not shard.is_main:
            return 0
    # With all parts done this only gathers, in the order of the meta file.
    scores = measure(args, items, systems, lang, counts)
    rows, outputs = make_rows(systems, scores, args.best_of)
    facts = facts_of(args, items, lang, rows, order_holds(rows, outputs))
    summary = write_report(args, facts, rows, outputs)
    # Every process has ended its work, so these belong to one that was killed.
    for left in args.out.rglob(".*.part"):
        left.unlink(missing_ok=True)
    sys.stdout.write((args.out / "report.md").read_text(encoding="utf-8").split("\n## The")[0])
    done = "nothing was left to do" if not counts.total else f"computed: {asdict(counts)}"
    sys.stdout.write(f"\n{done}; report: {args.out / 'report.html'}\n")
    sys.stdout.write(json_line({**summary, "computed": asdict(counts)}) + "\n")
    return 0


def _load_judges(args: argparse.Namespace, lang: str) -> None:
    """Load, and keep, all that will judge; what is missing is told before hours of speaking."""
    if args.asr != NONE:
        load_listener(args.asr, args.device, lang)
        for rules in RULES.values():
            score_utterance("A", "A", lang, rules)
    if args.sim != NONE:
        load_speaker_encoder(args.sim, args.device)
    if args.mos != NONE:
        load_rater(args.mos)


def _check_names(args: argparse.Namespace, lang: str) -> None:
    """Refuse unknown metrics before hours of speaking."""
    if args.asr == NONE:
        sys.stderr.write(
            f"no listener: error rates are left out. For {lang} give --asr {OFFICIAL[lang]}\n"
        )
    else:
        listener_identity(args.asr, lang)
    if args.sim != NONE:
        encoder_identity(args.sim)
    if args.mos != NONE:
        rater_identity(args.mos)


def main(argv: Sequence[str]) -> int:
    """`python -m eval seed-tts`."""
    return run(build_parser().parse_args(argv), this_shard())
