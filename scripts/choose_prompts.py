"""Which recording of a speaker makes the best voice? The one whose speech is understood best.

    python scripts/choose_prompts.py CORPUS … --sentences DEV.txt --out VOICES

Each candidate prompts the model for a few development sentences, and a listener counts what it got
wrong. Sentences that a test is held on have no place here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from eval.report import json_line, read_sentences
from eval.systems.listening import CachedRecognizer, load_recognizer
from tokenizer.cli import one_line
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.train.corpus import read_corpus
from tts.train.voices import make_voice, prompt_candidates
from tts.voices import Voice, save_voice

Cost = Callable[[Voice, Sequence[str]], float]


def num_errors(
    synthesizer: Synthesizer, ear: CachedRecognizer, voice: Voice, sentences: Sequence[str]
) -> int:
    """What the listener got wrong over all sentences, each said with its own seed."""
    total = 0
    for seed, text in enumerate(sentences):
        said = synthesizer.synthesize(text, SpeechOptions(voice=voice, seed=seed))
        heard = ear.listener.transcribe(said.wav, said.sample_rate)
        total += ear.score(text, heard).num_errors
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
    """Write the best voice of every speaker; the last line is JSON. ValueError on bad input."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of voices")
    parser.add_argument("--sentences", type=Path, required=True, help="of development")
    parser.add_argument("--zh-sentences", type=Path, help="the same for Mandarin voices")
    parser.add_argument("--listener", default="pocketsphinx", help="or whisper:FOLDER")
    parser.add_argument("--zh-listener", help="whisper:FOLDER; without one the first is taken")
    parser.add_argument("--limit", type=int, default=8, help="only the first so many sentences")
    parser.add_argument("--candidates", type=int, default=6, help="recordings of each speaker")
    parser.add_argument("--rounds", type=int, default=1, help="the worse half leaves after each")
    parser.add_argument("--speakers", nargs="+", help="only these")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--codec", default="embedded")
    args = parser.parse_args(argv)
    files = {"en": args.sentences, "zh": args.zh_sentences}
    sentences = {k: read_sentences(f)[: args.limit] if f else [] for k, f in files.items()}
    most = min((len(own) for own in sentences.values() if own), default=0)
    if not 1 <= args.rounds <= most:
        raise ValueError(f"--rounds is {args.rounds}, expected 1 to {most} (sentences)")
    utterances = [u for folder in args.corpus for u in read_corpus(folder)]
    found = prompt_candidates(utterances, args.candidates)
    wanted = args.speakers or sorted(found)
    if unknown := sorted(set(wanted) - set(found)):
        raise ValueError(f"no recording of {unknown} is fit for a prompt; known: {sorted(found)}")
    synthesizer = Synthesizer.load(args.model, args.codec)
    names = {"en": args.listener, "zh": args.zh_listener}
    ears = {k: load_recognizer(name, lang=k) for k, name in names.items() if name and sentences[k]}
    args.out.mkdir(parents=True, exist_ok=True)
    result = {}
    for speaker in wanted:
        voices = [make_voice(u, synthesizer.codec) for u in found[speaker]]
        lang = voices[0].lang
        voice, costs = voices[0], []
        if lang in ears:
            cost = partial(num_errors, synthesizer, ears[lang])
            voice, costs = best_voice(voices, cost, sentences[lang], args.rounds)
        (args.out / f"{voice.name}.safetensors").unlink(missing_ok=True)
        save_voice(voice, args.out)
        costs = [round(c, 3) for c in costs]
        result[voice.name] = {"errors": costs, "transcript": voice.transcript}
        print(f"{voice.name}: {costs} {voice.transcript}", flush=True)
    counts = {k: len(own) for k, own in sentences.items()}
    print(json_line({"sentences": counts, "voices": result}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"error: {one_line(error)}")
