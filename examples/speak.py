"""Speak a sentence into a file: python examples/speak.py hello.wav "Good morning." """

from __future__ import annotations

import sys

from tokenizer.audio import write_audio
from tts import SpeechOptions, Synthesizer


def main(path: str, text: str) -> None:
    synthesizer = Synthesizer.load()
    speech = synthesizer.synthesize(text, SpeechOptions(voice="heart", seed=1))
    write_audio(path, speech.wav, speech.sample_rate)
    print(f"{path}: {speech.seconds:.2f} s, RTF {speech.rtf:.2f}, {speech.finished_by}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
