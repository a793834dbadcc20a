"""Word error rate of spoken sentences: python examples/measure.py "A sentence." "Another one."

The listener is pocketsphinx, whose model lies inside its wheel; it knows everyday English.
"""

from __future__ import annotations

import sys

from eval.metrics.wer import score_utterance
from eval.systems.asr import load_listener
from tts import SpeechOptions, Synthesizer


def main(*sentences: str) -> float:
    synthesizer, listener = Synthesizer.load(), load_listener("pocketsphinx")
    rates = []
    for sentence in sentences:
        speech = synthesizer.synthesize(sentence, SpeechOptions(voice="heart"))
        heard = listener.transcribe(speech.wav, speech.sample_rate)
        rates.append(score_utterance(sentence, heard).wer)
        print(f"{rates[-1]:.2f}  {sentence!r} was heard as {heard!r}")
    return sum(rates) / len(rates)


if __name__ == "__main__":
    print(f"mean WER {main(*sys.argv[1:]):.2f}")
