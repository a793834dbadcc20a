"""Which recording of a speaker makes the best voice? The one whose speech is understood best.

Each candidate prompts the model for a few development sentences. English is heard by a listener,
who counts wrong words; for Mandarin, which no listener here knows, the pitch is set beside that of
the teacher's rendering. Sentences that a test is held on have no place here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from eval.commands.tones import Featured
from eval.metrics.prosody import compare, correlation, features
from eval.metrics.wer import score_utterance
from eval.report import json_line, read_sentences
from eval.systems.asr import Listener, load_listener
from eval.systems.sources import Line, TeacherSource
from eval.systems.teachers import teacher_of
from tts.inference.synthesis import Synthesis
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.train.corpus import read_corpus
from tts.train.voices import make_voice, prompt_candidates
from tts.voices import Voice, save_voice

HEARD = ("en",)
Cost = Callable[[Voice, Sequence[str]], float]


def _said(
    synthesizer: Synthesizer, voice: Voice, sentences: Sequence[str]
) -> Iterator[tuple[str, Synthesis]]:
    """Every sentence and how the voice says it, each with its own seed."""
    for seed, text in enumerate(sentences):
        yield text, synthesizer.synthesize(text, SpeechOptions(voice=voice, seed=seed))


def word_errors(
    synthesizer: Synthesizer, voice: Voice, sentences: Sequence[str], listener: Listener
) -> int:
    """Words that the listener got wrong over all sentences, each said with its own seed."""
    total = 0
    for text, speech in _said(synthesizer, voice, sentences):
        heard = listener.transcribe(speech.wav, speech.sample_rate)
        total += score_utterance(text, heard).num_errors
    return total


def tone_errors(
    synthesizer: Synthesizer, truth: Featured, voice: Voice, sentences: Sequence[str]
) -> float:
    """How far the pitch is from the teacher's over all sentences, each said with its own seed.

    Returns:
        The sum of 1 - r, r the correlation of log F0 of a sentence, 0 where there is none.
    """
    total = 0.0
    for text, speech in _said(synthesizer, voice, sentences):
        said = features(speech.wav, speech.sample_rate)
        pair = compare(truth(Line(text, 0, voice.name, 0)), said)
        total += 1 - float(np.nan_to_num(correlation(pair.moments)))
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


def _cost_of(voice: Voice, synthesizer: Synthesizer, listener: Listener) -> Cost | None:
    """What speaks against a prompt of this speaker; None where nobody can tell."""
    if voice.lang in HEARD:
        return lambda v, sentences: word_errors(synthesizer, v, sentences, listener)
    teacher = teacher_of(voice.name)
    return teacher and partial(tone_errors, synthesizer, Featured(TeacherSource(teacher), {}))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the best voice of every speaker; the last line is JSON. ValueError on bad input."""
    parser = argparse.ArgumentParser(prog="python -m eval prompts", description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path, help="folders with a metadata.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of voices")
    parser.add_argument("--sentences", type=Path, required=True, help="of development")
    parser.add_argument("--zh-sentences", type=Path, help="the same for Mandarin voices")
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
    listener = load_listener("pocketsphinx")
    args.out.mkdir(parents=True, exist_ok=True)
    result = {}
    for speaker in wanted:
        voices = [make_voice(u, synthesizer.codec) for u in found[speaker]]
        cost = _cost_of(voices[0], synthesizer, listener)
        own = sentences[voices[0].lang]
        voice, costs = best_voice(voices, cost, own, args.rounds) if cost else (voices[0], [])
        (args.out / f"{voice.name}.safetensors").unlink(missing_ok=True)
        save_voice(voice, args.out)
        costs = [round(c, 3) for c in costs]
        result[voice.name] = {"errors": costs, "transcript": voice.transcript}
        print(f"{voice.name}: {costs} {voice.transcript}", flush=True)
    counts = {k: len(own) for k, own in sentences.items()}
    print(json_line({"sentences": counts, "voices": result}))
    return 0
