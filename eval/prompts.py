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
from tts.train.corpus import Utterance, read_corpus
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
        errors = score_utterance(text, heard)
        total += errors.substitutions + errors.deletions + errors.insertions
    return total


def best_voice(
    candidates: Sequence[Utterance],
    synthesizer: Synthesizer,
    sentences: Sequence[str],
    listener: Listener,
) -> tuple[Voice, list[int]]:
    """The candidate with the fewest errors, the earlier one of equals; and everyone's errors.

    A language that the listener does not know takes the first candidate, without errors.
    """
    voices = [make_voice(u, synthesizer.codec) for u in candidates]
    if voices[0].lang not in HEARD:
        return voices[0], []
    errors = [word_errors(synthesizer, voice, sentences, listener) for voice in voices]
    return voices[errors.index(min(errors))], errors


def main(argv: Sequence[str] | None = None) -> int:
    """Write the best voice of every speaker; the last line is JSON. ValueError on bad input."""
    parser = argparse.ArgumentParser(prog="python -m eval prompts", description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of voices")
    parser.add_argument("--sentences", type=Path, required=True, help="of development")
    parser.add_argument("--limit", type=int, default=8, help="only the first so many sentences")
    parser.add_argument("--candidates", type=int, default=6, help="recordings of each speaker")
    parser.add_argument("--speakers", nargs="+", help="only these")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--codec", default="embedded")
    args = parser.parse_args(argv)
    sentences = read_sentences(args.sentences)[: args.limit]
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
        voice, errors = best_voice(found[speaker], synthesizer, sentences, listener)
        (args.out / f"{voice.name}.safetensors").unlink(missing_ok=True)
        save_voice(voice, args.out)
        result[voice.name] = {"errors": errors, "transcript": voice.transcript}
        print(f"{voice.name}: {errors} {voice.transcript}", flush=True)
    print(json_line({"sentences": len(sentences), "voices": result}))
    return 0
