"""`python -m tts.train prepare | run`: from a corpus to a language model."""

from __future__ import annotations

import argparse
from pathlib import Path

from tokenizer.train.recipe import OPTIMIZERS


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m tts.train", description=__doc__)
    commands = p.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare", help="phonemize, align and encode a corpus")
    prepare.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    prepare.add_argument("--out", type=Path, required=True, help=".npz file to write")
    prepare.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    prepare.add_argument("--max-seconds", type=float, default=6.0)
    prepare.add_argument("--part", default="0/1", help="i/n: only every n-th utterance")
    labels = commands.add_parser("labels", help="phonemes by time, for the tokenizer's training")
    labels.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    labels.add_argument("--out", type=Path, required=True, help=".npz file to write")
    voices = commands.add_parser("voices", help="make a voice of every speaker of a corpus")
    voices.add_argument("corpus", nargs="+", type=Path)
    voices.add_argument("--codec", default="embedded", help="'embedded' or a folder")
    voices.add_argument("--out", type=Path, required=True, help="folder of voices")
    run = commands.add_parser("run", help="train, or go on training")
    run.add_argument("examples", nargs="+", type=Path, help=".npz files made by prepare")
    run.add_argument("--out", type=Path, required=True, help="folder of the run")
    run.add_argument("--config", type=Path, help="config.json of a new model")
    run.add_argument("--init", help="'embedded' or a folder to start from")
    run.add_argument("--codebooks", type=int, help="of the tokenizer's, to add to those of --init")
    run.add_argument("--budget-minutes", type=float, required=True)
    run.add_argument("--batch-size", type=int, default=16)
    run.add_argument("--learning-rate", type=float, default=1e-3)
    run.add_argument("--optimizer", choices=OPTIMIZERS, default="adamw")
    run.add_argument("--prefix-dropout", type=float, default=1.0, metavar="P")
    run.add_argument("--guide-share", type=float, default=0.75)
    run.add_argument("--short-frames", type=int, default=36)
    run.add_argument("--short-share", type=float, default=0.25)
    run.add_argument("--prompt-frames", type=int, nargs=2, default=(19, 31), metavar="N")
    run.add_argument("--textless", type=float, default=0.0, metavar="P", help="see the recipe")
    run.add_argument("--noise", type=float, default=0.0, metavar="P", help="see the recipe")
    run.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="SPEAKER=W",
        help="draw utterances of this speaker W times as often",
    )
    run.add_argument("--seed", type=int, default=0)
    return p


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    if args.command == "prepare":
        from tokenizer.checkpoint import load_codec
        from tts.train.prepare import prepare, save_examples

        first, _, parts = args.part.partition("/")
        part = (int(first), int(parts))
        examples = prepare(args.corpus, load_codec(args.codec), args.max_seconds, part)
        save_examples(examples, args.out)
        print(f"{len(examples)} examples in {args.out}")
        return 0
    if args.command == "labels":
        from tts.train.labels import make_labels, save_labels

        labels = make_labels(args.corpus)
        save_labels(labels, args.out)
        print(f"{len(labels)} recordings in {args.out}")
        return 0
    if args.command == "voices":
        from tokenizer.checkpoint import load_codec
        from tts.train.voices import make_voices

        print("\n".join(make_voices(args.corpus, load_codec(args.codec), args.out)))
        return 0
    return run(args)


def run(args: argparse.Namespace) -> int:
    import torch

    from tts.checkpoint import load_model
    from tts.config import TtsConfig
    from tts.model import TtsModel
    from tts.train.init import add_codebooks, initialize
    from tts.train.loop import Recipe, train
    from tts.train.prepare import load_examples

    torch.manual_seed(args.seed)
    if args.init:
        model = load_model(args.init).requires_grad_(True).train()
        model = add_codebooks(model, args.codebooks) if args.codebooks else model
    elif args.config:
        model = TtsModel(TtsConfig.from_file(args.config))
        initialize(model)
    else:
        parser().error("give --config for a new model or --init for one to go on from")
    recipe = Recipe(
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        optimizer=args.optimizer,
        prefix_dropout=args.prefix_dropout,
        guide_share=args.guide_share,
        short_share=args.short_share,
        short_frames=args.short_frames,
        seed=args.seed,
        min_prompt_frames=args.prompt_frames[0],
        max_prompt_frames=args.prompt_frames[1],
        textless=args.textless,
        noise=args.noise,
        speaker_weights=dict(speaker_weight(item) for item in args.weight),
    )
    train(model, load_examples(args.examples), recipe, args.out, args.budget_minutes * 60)
    return 0


def speaker_weight(item: str) -> tuple[str, float]:
    """`SPEAKER=W` as a pair; ValueError where W is no number from 0 up."""
    speaker, _, weight = item.rpartition("=")
    if not speaker or not weight.replace(".", "", 1).isdigit():
        raise ValueError(f"--weight {item!r}: write SPEAKER=W with W from 0 up, e.g. slt=2.5")
    return speaker, float(weight)


if __name__ == "__main__":
    raise SystemExit(main())
