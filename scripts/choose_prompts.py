"""Which sentence of its teacher makes the best prompt of each shipped voice?

    python scripts/choose_prompts.py CORPUS … --listener whisper:DIR --rater distillmos --out VOICES

Who the voices are stands in recipes/voices.toml. Each candidate prompts the model for the choosing
sentences, a listener counts what it got wrong and a rater tells how it sounds: a wrong word costs
as much as one point of opinion. Sentences that a test is held on have no place here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from eval.report import json_line, read_sentences
from eval.systems.judging import Judges
from tokenizer.cli import one_line
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.train.corpus import read_corpus
from tts.train.voices import make_voice, prompt_candidates, read_cards
from tts.voices import Voice, save_voice

ROOT = Path(__file__).parents[1]
BEST_OPINION = 5.0

Cost = Callable[[Voice, Sequence[str]], float]


def cost_of(
    synthesizer: Synthesizer, judges: Judges, voice: Voice, sentences: Sequence[str]
) -> float:
    """Words got wrong and points of opinion missed over all sentences, each with its own seed."""
    total = 0.0
    for seed, text in enumerate(sentences):
        said = synthesizer.synthesize(text, SpeechOptions(voice=voice, seed=seed))
        told = judges.judge(said.wav, said.sample_rate, text)
        total += told.get("errors", 0) + BEST_OPINION - told.get("distillmos", BEST_OPINION)
    return total


def best_voice(
    candidates: Sequence[Voice], cost: Cost, sentences: Sequence[str], rounds: int = 1
) -> tuple[Voice, list[float]]:
    """The candidate that costs least, the earlier one of equals, by successive halving.

    The sentences are dealt out evenly over the rounds; after each but the last only the better
    half goes on, so that most sentences are spent on telling the best ones apart.

    Args:
        cost: what a voice costs over some sentences, e.g. the words that were got wrong.

    Returns:
        The voice, and everyone's costs: on all sentences for those who came to the last round,
        on fewer for the others. Without sentences the first candidate, and no costs.
    """
    if not sentences:
        return candidates[0], []
    costs = [0.0] * len(candidates)
    left = list(range(len(candidates)))
    for number in range(rounds):
        share = sentences[number::rounds]
        for i in left:
            costs[i] += cost(candidates[i], share)
        left.sort(key=lambda i: (costs[i], i))
        if number < rounds - 1:
            left = left[: (len(left) + 1) // 2]
    return candidates[left[0]], costs


def main(argv: Sequence[str] | None = None) -> int:
    """Write the best prompt of every voice; the last line is JSON. ValueError on bad input."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of voices")
    parser.add_argument("--cards", type=Path, default=ROOT / "recipes/voices.toml")
    parser.add_argument("--voices", nargs="+", help="only these")
    for lang in ("en", "zh"):
        default = ROOT / f"eval/data/choosing_{lang}.txt"
        parser.add_argument(f"--{lang}", type=Path, default=default, help="sentences to choose by")
    parser.add_argument("--listener", required=True, help="whisper:FOLDER, or pocketsphinx")
    parser.add_argument("--rater", help="distillmos")
    parser.add_argument("--limit", type=int, default=8, help="only the first so many sentences")
    parser.add_argument("--candidates", type=int, default=6, help="recordings of each teacher")
    parser.add_argument("--rounds", type=int, default=1, help="the worse half leaves after each")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--codec", default="embedded")
    args = parser.parse_args(argv)
    sentences = {k: read_sentences(getattr(args, k))[: args.limit] for k in ("en", "zh")}
    cards = [c for c in read_cards(args.cards) if not args.voices or c.name in args.voices]
    if unknown := sorted(set(args.voices or ()) - {c.name for c in cards}):
        raise ValueError(f"no voice {', '.join(unknown)} in {args.cards}")
    most = min(len(sentences[c.language]) for c in cards)
    if not 1 <= args.rounds <= most:
        raise ValueError(f"--rounds is {args.rounds}, expected 1 to {most} (sentences)")
    utterances = [u for folder in args.corpus for u in read_corpus(folder)]
    found = {c.name: prompt_candidates(utterances, c, args.candidates) for c in cards}
    if missing := [c.speaker for c in cards if not found[c.name]]:
        raise ValueError(f"no recording of {', '.join(missing)} is fit for a prompt")
    synthesizer = Synthesizer.load(args.model, args.codec)
    args.out.mkdir(parents=True, exist_ok=True)
    result = {}
    for card in cards:
        judges = Judges((args.rater,) if args.rater else (), args.listener, lang=card.language)
        voices = [make_voice(u, card, synthesizer.prompt_encoder) for u in found[card.name]]
        cost = partial(cost_of, synthesizer, judges)
        voice, costs = best_voice(voices, cost, sentences[card.language], args.rounds)
        (args.out / f"{voice.name}.safetensors").unlink(missing_ok=True)
        save_voice(voice, args.out)
        costs = [round(c, 3) for c in costs]
        result[voice.name] = {"costs": costs, "transcript": voice.transcript}
        print(f"{voice.name}: {costs} {voice.transcript}", flush=True)
    counts = {k: len(own) for k, own in sentences.items()}
    print(json_line({"sentences": counts, "voices": result}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"error: {one_line(error)}")
