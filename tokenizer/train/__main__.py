"""`python -m tokenizer.train`: one stage of the recipe over folders of audio."""

from __future__ import annotations

import argparse
from pathlib import Path

from tokenizer.train.recipe import OPTIMIZERS, STAGES


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m tokenizer.train", description=__doc__)
    p.add_argument("audio", nargs="+", type=Path, help="folders with sound files (searched deep)")
    p.add_argument("--out", type=Path, required=True, help="folder of the run; resumed if present")
    p.add_argument("--stage", choices=STAGES, default="mel")
    p.add_argument("--config", type=Path, help="config.json of a new tokenizer")
    p.add_argument("--init", help="'embedded' or a model folder to start from")
    p.add_argument("--freeze-encoder", action="store_true", help="codes stay as they are")
    p.add_argument("--fresh-output", action="store_true", help="new last layer (after 'mel')")
    p.add_argument("--budget-minutes", type=float, required=True)
    p.add_argument("--batch-size", type=int, default=4)
    p.add_argument("--segment-s", type=float, default=2.56)
    p.add_argument("--learning-rate", type=float, default=1e-3)
    p.add_argument("--warmup-steps", type=int, default=200)
    p.add_argument("--optimizer", choices=OPTIMIZERS, default="adamw")
    p.add_argument("--labels", type=Path, help=".npz made by `python -m tts.train labels`")
    p.add_argument(
        "--usual-codebooks", type=int, default=0, help="how many the language model speaks"
    )
    p.add_argument("--usual-share", type=float, default=0.6, help="of the items that use so many")
    p.add_argument("--codebooks", type=int, default=0, help="add some until there are so many")
    p.add_argument(
        "--keep-codebooks", type=int, default=0, help="so many first ones keep their meaning"
    )
    p.add_argument("--weight-repetition", type=float, default=0.0, help="against a buzz")
    p.add_argument("--weight-modulation", type=float, default=0.0, help="against hoarseness")
    p.add_argument("--weight-phase", type=float, default=0.0, help="so that codes tell the phase")
    p.add_argument("--weight-envelope", type=float, default=0.0, help="for intelligibility (STOI)")
    p.add_argument(
        "--weight-listening", type=float, default=0.0, help="to be understood (needs --labels)"
    )
    p.add_argument("--listener-steps", type=int, default=1000, help="in which it learns to hear")
    p.add_argument("--weight-commitment", type=float, default=0.25)
    p.add_argument("--unquantized-steps", type=int, default=400)
    p.add_argument(
        "--discriminator-warmup", type=int, default=200, help="steps they learn alone ('gan')"
    )
    p.add_argument("--max-steps", type=int, default=10**9, help="stop after so many in all")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--cache", type=Path, help="where to keep the packed audio (default: OUT)")
    return p


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    import numpy as np
    import torch

    from tokenizer.checkpoint import load_codec
    from tokenizer.config import CatConfig
    from tokenizer.model import CatTokenizer
    from tokenizer.train.data import audio_files, held_out, label, pack
    from tokenizer.train.init import initialize, initialize_output
    from tokenizer.train.loop import train
    from tokenizer.train.recipe import Recipe

    torch.manual_seed(args.seed)
    if args.init:
        codec = load_codec(args.init).requires_grad_(True).train()
        if args.fresh_output:
            initialize_output(codec)
    elif args.config:
        codec = CatTokenizer(CatConfig.from_file(args.config))
        initialize(codec)
    else:
        parser().error("give --config for a new tokenizer or --init for one to go on from")
    if args.usual_codebooks > codec.num_codebooks:
        parser().error(
            f"--usual-codebooks is {args.usual_codebooks}; this tokenizer has {codec.num_codebooks}"
        )
    files = [f for f in audio_files(args.audio) if not held_out(f.stem)]
    cache = args.cache or args.out / "audio"
    audio = pack(files, codec.sample_rate, cache)
    num_labels = 0
    if args.labels:
        audio = label(audio, files, args.labels)
        num_labels = int(np.load(args.labels)["labels"].max()) + 1
    print(f"{len(files)} recordings, {audio.seconds / 3600:.2f} h at {audio.sample_rate} Hz")
    recipe = Recipe(
        stage=args.stage,
        freeze_encoder=args.freeze_encoder,
        batch_size=args.batch_size,
        segment_s=args.segment_s,
        learning_rate=args.learning_rate,
        warmup_steps=args.warmup_steps,
        optimizer=args.optimizer,
        num_labels=num_labels,
        usual_codebooks=args.usual_codebooks,
        usual_share=args.usual_share,
        codebooks=args.codebooks,
        keep_codebooks=args.keep_codebooks,
        weight_repetition=args.weight_repetition,
        weight_modulation=args.weight_modulation,
        weight_phase=args.weight_phase,
        weight_envelope=args.weight_envelope,
        weight_listening=args.weight_listening,
        listener_steps=args.listener_steps,
        weight_commitment=args.weight_commitment,
        unquantized_steps=args.unquantized_steps,
        discriminator_warmup=args.discriminator_warmup,
        max_steps=args.max_steps,
        seed=args.seed,
    )
    train(codec, audio, recipe, args.out, args.budget_minutes * 60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
