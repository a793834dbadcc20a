"""`python -m tts.train.listen prepare|lexicon|speak|run|threshold|pack`: train a listener."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from tokenizer.cli import Parser, check_device, run_guarded

PROG = "python -m tts.train.listen"


def parser() -> Parser:
    p = Parser(prog=PROG, description=__doc__)
    commands = p.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare", help="add words and disturbed copies to examples")
    prepare.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    prepare.add_argument(
        "--examples", nargs="+", type=Path, required=True, help=".npz files of tts.train prepare"
    )
    prepare.add_argument("--out", type=Path, required=True, help=".npz file to write")
    prepare.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    prepare.add_argument("--num-codebooks", type=int, default=8, help="kept of each frame")
    prepare.add_argument("--variants", type=int, default=1, help="disturbed copies of each")
    prepare.add_argument("--device", default="cpu", help="that encodes")
    lexicon = commands.add_parser("lexicon", help="count words and what they stand beside")
    lexicon.add_argument("texts", nargs="+", type=Path, help="a sentence a line, or .tsv")
    lexicon.add_argument(
        "--examples", nargs="*", type=Path, default=[], help="of prepare: what was said counts too"
    )
    lexicon.add_argument("--leave-out", nargs="*", type=Path, default=[], help="never counted")
    lexicon.add_argument("--out", type=Path, required=True, help=".npz file to write")
    speak = commands.add_parser("speak", help="add what the language model says")
    speak.add_argument("texts", nargs="+", type=Path, help="a sentence a line")
    speak.add_argument("--leave-out", nargs="*", type=Path, default=[], help="never spoken")
    speak.add_argument("--out", type=Path, required=True, help=".npz file to write")
    speak.add_argument("--hours", type=float, required=True, help="of speech")
    speak.add_argument("--mandarin", type=float, default=0.4, help="share of the texts (0.4)")
    speak.add_argument("--model", default="embedded", help="'embedded' or a folder")
    speak.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    speak.add_argument("--voice", action="append", help="who speaks, once or more; default: all")
    speak.add_argument(
        "--prompts", nargs="*", type=Path, help="of tts.train prepare: their speakers speak instead"
    )
    speak.add_argument("--listener", type=Path, help="folder; leaves out the worst by its word")
    speak.add_argument("--worst", type=float, default=0.1, help="share of these (0.1)")
    speak.add_argument("--seed", type=int, default=0)
    run = commands.add_parser("run", help="train, or go on training")
    run.add_argument("examples", nargs="+", type=Path, help=".npz files of prepare and speak")
    run.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    run.add_argument("--config", type=Path, required=True, help="sizes, see recipes/listener.json")
    run.add_argument("--recipe", type=Path, required=True, help="TOML file, see recipes/")
    run.add_argument("--out", type=Path, required=True, help="folder of the run")
    run.add_argument("--budget-minutes", type=float, required=True)
    run.add_argument("--max-steps", type=int, help="stop after so many in all")
    run.add_argument(
        "--speakers", type=float, default=1.0, metavar="SHARE", help="learn from so many (1)"
    )
    threshold = commands.add_parser(
        "threshold", help="find from which score on a piece is wrong, and store it"
    )
    threshold.add_argument("examples", nargs="+", type=Path, help=".npz files of prepare")
    threshold.add_argument("--listener", type=Path, required=True, help="folder; it is changed")
    threshold.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    threshold.add_argument(
        "--alarms", type=float, default=0.015, help="share of good pieces said again (.015)"
    )
    pack = commands.add_parser("pack", help="write a listener as it is shipped: half precision")
    pack.add_argument("listener", type=Path, help="folder of a run")
    pack.add_argument("--lexicon", type=Path, required=True, help="file of lexicon")
    pack.add_argument("--out", type=Path, required=True, help="folder to write")
    pack.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    return p


def main(argv: list[str] | None = None) -> int:
    return run_guarded(PROG, lambda: run(parser().parse_args(argv)))


def run(args: argparse.Namespace) -> int:
    """Run one command; ValueError or OSError for bad input."""
    return {
        "prepare": _prepare,
        "lexicon": _lexicon,
        "speak": _speak,
        "run": _run,
        "threshold": _threshold,
        "pack": _pack,
    }[args.command](args)


def _prepare(args: argparse.Namespace) -> int:
    from tokenizer.checkpoint import load_codec
    from tts.train.listen_data import prepare_speech, save_heard
    from tts.train.prepare import load_examples

    if args.variants < 0 or args.num_codebooks < 1:
        raise ValueError("--variants must be 0 or more, --num-codebooks 1 or more")
    codec = load_codec(args.codec, check_device(args.device)) if args.variants else None
    given, books = load_examples(args.examples), args.num_codebooks
    examples = list(prepare_speech(args.corpus, given, books, codec, args.variants))
    save_heard(examples, args.out)
    print(f"{len(examples)} examples in {args.out}")
    return 0


def _lexicon(args: argparse.Namespace) -> int:
    from itertools import chain

    from tokenizer.train.held_out import held_out
    from tts.listen.lexicon import Lexicon
    from tts.train.listen_data import lines_of, load_heard, read_texts
    from tts.train.sentences import sentence_key

    left_out = {sentence_key(line) for line in lines_of(args.leave_out)}
    said = (
        (e.words, e.sounds, e.ends)
        for e in load_heard(args.examples)
        if "#" not in e.id and not held_out(e.id)
    )
    lexicon = Lexicon.learn(chain(read_texts(args.texts, left_out), said))
    lexicon.save(args.out)
    print(f"{len(lexicon.words) - 1} words in {args.out}")
    return 0


def _speak(args: argparse.Namespace) -> int:
    from tts.listen.folder import load_listener
    from tts.synthesizer import Synthesizer
    from tts.train.listen_data import lines_of, save_heard
    from tts.train.listen_spoken import LONGEST_PROMPT_S, prompt_voices, speak, well_said
    from tts.train.prepare import load_examples
    from tts.train.sentences import sentence_key
    from tts.voices import list_voices, load_voice

    if not 0 <= args.worst < 1 or not 0 <= args.mandarin <= 1 or args.hours <= 0:
        raise ValueError("--worst and --mandarin are shares, --hours must be more than 0")
    left_out = {sentence_key(line) for line in lines_of(args.leave_out)}
    texts = sorted({t for t in lines_of(args.texts) if sentence_key(t) not in left_out})
    synthesizer = Synthesizer.load(args.model, args.codec)
    if args.prompts:
        most = round(LONGEST_PROMPT_S * synthesizer.codec.frame_rate)
        voices = prompt_voices(load_examples(args.prompts), most)
    else:
        voices = [load_voice(name) for name in args.voice] if args.voice else list_voices()
    examples = list(speak(synthesizer, texts, voices, args.hours, args.mandarin, args.seed))
    if args.listener:
        listener = load_listener(args.listener, synthesizer.codec)
        examples = well_said(listener, examples, args.worst)
    save_heard(examples, args.out)
    print(f"{len(examples)} examples in {args.out}")
    return 0


def _run(args: argparse.Namespace) -> int:
    import torch

    from tokenizer.checkpoint import load_codec
    from tts.train.listen_data import load_heard, some_speakers
    from tts.train.listen_init import new_listener
    from tts.train.listen_loop import Recipe, train

    recipe = Recipe.from_file(args.recipe)
    if args.max_steps:
        recipe = replace(recipe, max_steps=args.max_steps)
    torch.manual_seed(recipe.seed)
    model = new_listener(args.config, load_codec(args.codec))
    examples = some_speakers(load_heard(args.examples), args.speakers)
    train(model, examples, recipe, args.out, args.budget_minutes * 60)
    return 0


def _threshold(args: argparse.Namespace) -> int:
    import json

    from tokenizer.checkpoint import load_codec
    from tts.listen.folder import load_listener, save_limits
    from tts.train.listen_data import load_heard
    from tts.train.listen_threshold import find_threshold

    if not 0 < args.alarms < 1:
        raise ValueError(f"--alarms is {args.alarms}; use more than 0, less than 1")
    listener = load_listener(args.listener, load_codec(args.codec))
    found = find_threshold(listener, load_heard(args.examples), args.alarms)
    save_limits(args.listener, found.limits)
    print(json.dumps(found.to_dict()))
    return 0


def _pack(args: argparse.Namespace) -> int:
    import torch

    from tokenizer.checkpoint import load_codec
    from tts.listen.folder import load_listener, save_listener
    from tts.listen.lexicon import FILE, Lexicon

    lexicon = Lexicon.load(args.lexicon)
    save_listener(load_listener(args.listener, load_codec(args.codec)), args.out, torch.float16)
    lexicon.save(args.out / FILE)
    size = sum(file.stat().st_size for file in args.out.iterdir())
    print(f"{args.out}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
