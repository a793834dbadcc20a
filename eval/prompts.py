"""Which recording of a speaker makes the best voice? The one whose speech is understood best.

Each candidate prompts the model for a few development sentences; a listener counts the errors.
Sentences that a test is held on have no place here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from eval.asr import Listener, load_listener
from eval.report import json_line, read_sentences
from eval.wer import score_utterance
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.train.corpus import read_corpus
from tts.train.voices import make_voice, prompt_candidates
from tts.voices import Voice, save_voice

HEARD = ("en",)


def word_errors(
    synthesizer: Synthesizer, voice: Voice, sentences: Sequence[str], listener: Listener
) -> int:
    """Words that the listener got wrong over all sentences, each said with its own seed."""
    total = 0
    for seed, text in enumerate(sentences):
        speech = synthesizer.synthesize(text, SpeechOptions(voice=voice, seed=seed))
        heard = listener.transcribe(speech.wav, speech.sample_rate)
        total += score_utterance(text, heard).num_errors
    return total


def best_voice(
    candidates: Sequence[Voice],
    synthesizer: Synthesizer,
    sentences: Sequence[str],
    listener: Listener,
    rounds: int = 1,
) -> tuple[Voice, list[int]]:
    """The candidate with the fewest errors, the earlier one of equals, by successive halving.

    The sentences are dealt out evenly over the rounds; after each but the last only the better
    half goes on, so that most sentences are spent on telling the best ones apart.

    Returns:
        The voice, and everyone's errors: on all sentences for those who came to the last round,
        on fewer for the others. A language that the listener does not know takes the first
        candidate, without errors.
    """
    if candidates[0].lang not in HEARD:
        return candidates[0], []
    errors = [0] * len(candidates)
    left = list(range(len(candidates)))
    for number in range(rounds):
        share = sentences[number::rounds]
        for i in left:
            errors[i] += word_errors(synthesizer, candidates[i], share, listener)
        left.sort(key=lambda i: (errors[i], i))
        if number < rounds - 1:
            left = left[: (len(left) + 1) // 2]
    return candidates[left[0]], errors


def main(argv: Sequence[str] | None = None) -> int:
    """Write the best voice of every speaker; the last line is JSON. ValueError on bad input."""
    parser = argparse.ArgumentParser(prog="python -m eval prompts", description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of voices")
    parser.add_argument("--sentences", type=Path, required=True, help="of development")
    parser.add_argument("--limit", type=int, default=8, help="only the first so many sentences")
    parser.add_argument("--candidates", type=int, default=6, help="recordings of each speaker")
    parser.add_argument("--rounds", type=int, default=1, help="the worse half leaves after each")
    parser.add_argument("--speakers", nargs="+", help="only these")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--codec", default="embedded")
    args = parser.parse_args(argv)
    sentences = read_sentences(args.sentences)[: args.limit]
    if not 1 <= args.rounds <= len(sentences):
        raise ValueError(f"--rounds is {args.rounds}, expected 1 to {len(sentences)} (sentences)")
    utterances = [u for folder in args.corpus for u in read_corpus(folder)]
    found = prompt_candidates(utterances, args.candidates)
    wanted = args.speakers or sorted(found)
    if unknown := sorted(set(wanted) - set(found)):
        raise ValueError(f"no recording of {unknown} is fit for a prompt; known: {sorted(found)}")
    synthesizer = Synthesizer.load(args.model, args.codec)
    listener = load_listener("pocketsphinx")
    args.out.mkdir(parents=True, exist_ok=True)
    result = {}
    for speaker in wanted:
        voices = [make_voice(u, synthesizer.codec) for u in found[speaker]]
        voice, errors = best_voice(voices, synthesizer, sentences, listener, args.rounds)
        (args.out / f"{voice.name}.safetensors").unlink(missing_ok=True)
        save_voice(voice, args.out)
        result[voice.name] = {"errors": errors, "transcript": voice.transcript}
        print(f"{voice.name}: {errors} {voice.transcript}", flush=True)
    print(json_line({"sentences": len(sentences), "voices": result}))
    return 0
