"""`python -m tokenizer.train`: one stage of the recipe over folders of audio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tokenizer.cli import Parser, run_guarded

PROG = "python -m tokenizer.train"


def parser() -> Parser:
    p = Parser(prog=PROG, description=__doc__)
    p.add_argument("audio", nargs="+", type=Path, help="folders with sound files (searched deep)")
    p.add_argument("--recipe", type=Path, required=True, help="TOML file, see recipes/")
    p.add_argument("--out", type=Path, required=True, help="folder of the run; resumed if present")
    p.add_argument("--config", type=Path, help="config.json of a new tokenizer")
    p.add_argument("--init", help="'embedded' or a model folder to start from")
    p.add_argument("--decoder", help="a model folder whose decoder takes the place of --init's")
    p.add_argument("--sample-rate", type=int, help="in Hz; moves the one to start from to it")
    p.add_argument("--budget-minutes", type=float, required=True)
    p.add_argument("--labels", type=Path, help=".npz made by `python -m tts.train labels`")
    p.add_argument("--max-steps", type=int, help="stop after so many in all")
    p.add_argument("--cache", type=Path, help="where to keep the packed audio (default: OUT)")
    return p


def main(argv: list[str] | None = None) -> int:
    return run_guarded(PROG, lambda: run(argv))


def run(argv: list[str] | None) -> int:
    """Parse and train; ValueError or OSError for bad input."""
    args = parser().parse_args(argv)
    import torch

    from tokenizer.checkpoint import load_codec
    from tokenizer.config import CatConfig
    from tokenizer.model import CatTokenizer
    from tokenizer.train.data import audio_files, label, pack
    from tokenizer.train.held_out import held_out
    from tokenizer.train.init import initialize, take_decoder
    from tokenizer.train.loop import train
    from tokenizer.train.rate import at_rate
    from tokenizer.train.recipe import Recipe

    recipe = Recipe.from_file(args.recipe)
    if args.max_steps:
        recipe = replace(recipe, max_steps=args.max_steps)
    torch.manual_seed(recipe.seed)
    if args.init:
        begun = (args.out / "state").is_dir() and (args.out / "config.json").is_file()
        codec = load_codec(args.out if begun else args.init).requires_grad_(True).train()
        if args.decoder and not begun:
            take_decoder(codec, load_codec(args.decoder))
    elif args.config:
        codec = CatTokenizer(CatConfig.from_file(args.config))
        initialize(codec)
    else:
        raise ValueError("give --config for a new tokenizer or --init for one to go on from")
    if recipe.usual_codebooks > codec.num_codebooks:
        raise ValueError(
            f"usual_codebooks is {recipe.usual_codebooks}; this tokenizer has {codec.num_codebooks}"
        )
    files = [f for f in audio_files(args.audio) if not held_out(f.stem)]
    audio = pack(files, args.sample_rate or codec.sample_rate, args.cache or args.out / "audio")
    if args.labels:
        audio = label(audio, files, args.labels)
    print(f"{len(files)} recordings, {audio.seconds / 3600:.2f} h at {audio.sample_rate} Hz")
    if audio.sample_rate != codec.sample_rate:
        codec = at_rate(codec, audio, recipe.seed)
    train(codec, audio, recipe, args.out, args.budget_minutes * 60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
