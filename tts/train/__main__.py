"""`python -m tts.train prepare | run`: from a corpus to a language model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from tokenizer.cli import Parser, check_device, run_guarded

PROG = "python -m tts.train"


def parser() -> Parser:
    p = Parser(prog=PROG, description=__doc__)
    commands = p.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare", help="phonemize, align and encode a corpus")
    prepare.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    prepare.add_argument("--out", type=Path, required=True, help=".npz file to write")
    prepare.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    prepare.add_argument("--max-seconds", type=float, default=15.0)
    prepare.add_argument("--device", default="cpu", help="that encodes")
    prepare.add_argument("--part", default="0/1", help="i/n: only every n-th utterance")
    prepare.add_argument(
        "--sizes",
        nargs="+",
        type=float,
        default=[1.0],
        help="speakers made larger (1.07) or smaller (.93) by resampling, each another speaker; "
        "default: 1, as they are",
    )
    labels = commands.add_parser("labels", help="phonemes by time, for the tokenizer's training")
    labels.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    labels.add_argument("--out", type=Path, required=True, help=".npz file to write")
    run = commands.add_parser("run", help="train, or go on training")
    run.add_argument("examples", nargs="+", type=Path, help=".npz files made by prepare")
    run.add_argument("--out", type=Path, required=True, help="folder of the run")
    run.add_argument("--config", type=Path, help="config.json of a new model")
    run.add_argument(
        "--init", help="'embedded' or a folder to start from; --config may give it more width"
    )
    run.add_argument(
        "--keep-codebooks",
        type=int,
        help="of the codes of --init, so many say the same here; the others begin anew",
    )
    run.add_argument("--codec", help="with --keep-codebooks: whose codes they are")
    run.add_argument(
        "--sample-rate", type=int, help="in Hz; of the tokenizer, where it was moved to another"
    )
    run.add_argument("--recipe", type=Path, required=True, help="TOML file, see recipes/")
    run.add_argument("--budget-minutes", type=float, required=True)
    run.add_argument("--max-steps", type=int, help="stop after so many in all")
    return p


def main(argv: list[str] | None = None) -> int:
    return run_guarded(PROG, lambda: run(parser().parse_args(argv)))


def run(args: argparse.Namespace) -> int:
    """Run one command; ValueError or OSError for bad input."""
    if args.command == "prepare":
        from tokenizer.checkpoint import load_codec
        from tts.train.natural import LARGEST, SMALLEST
        from tts.train.prepare import prepare, save_examples

        if any(not SMALLEST <= size <= LARGEST for size in args.sizes):
            raise ValueError(f"--sizes {args.sizes}: use numbers from {SMALLEST} to {LARGEST}")
        first, _, parts = args.part.partition("/")
        part = (int(first), int(parts))
        codec = load_codec(args.codec, check_device(args.device))
        examples = prepare(args.corpus, codec, args.max_seconds, part, sizes=args.sizes)
        save_examples(examples, args.out)
        print(f"{len(examples)} examples in {args.out}")
        return 0
    if args.command == "labels":
        from tts.train.labels import make_labels, save_labels

        labels = make_labels(args.corpus)
        save_labels(labels, args.out)
        print(f"{len(labels)} recordings in {args.out}")
        return 0
    return train_model(args)


def train_model(args: argparse.Namespace) -> int:
    import torch

    from tokenizer.checkpoint import load_codec
    from tts.model.checkpoint import load_model
    from tts.model.config import TtsConfig
    from tts.model.lm import TtsModel
    from tts.train.init import initialize
    from tts.train.loop import Recipe, train
    from tts.train.prepare import load_examples
    from tts.train.widen import widened, with_new_codebooks

    recipe = Recipe.from_file(args.recipe)
    if args.max_steps:
        recipe = replace(recipe, max_steps=args.max_steps)
    torch.manual_seed(recipe.seed)
    if args.init:
        loaded = load_model(args.init)
        if not isinstance(loaded, TtsModel):
            raise ValueError(f"--init {args.init}: models of this type are not trained here")
        model = widened(loaded, TtsConfig.from_file(args.config)) if args.config else loaded
        if args.keep_codebooks is not None:
            if not args.codec:
                raise ValueError("--keep-codebooks needs --codec, the tokenizer of the new codes")
            model = with_new_codebooks(model, args.keep_codebooks, load_codec(args.codec))
        model.requires_grad_(True).train()
    elif args.config:
        model = TtsModel(TtsConfig.from_file(args.config))
        initialize(model)
    else:
        raise ValueError("give --config for a new model or --init for one to go on from")
    if args.sample_rate:
        model.config = replace(model.config, sampling_rate=args.sample_rate)
    train(model, load_examples(args.examples), recipe, args.out, args.budget_minutes * 60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
