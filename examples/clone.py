"""Speak like a recording: python examples/clone.py me.wav out.wav "Some text." """

from __future__ import annotations

import sys

from tokenizer.audio import read_audio, write_audio
from tts import SpeechOptions, Synthesizer


def main(recording: str, path: str, text: str) -> None:
    synthesizer = Synthesizer.load()
    wav = read_audio(recording, synthesizer.sample_rate)
    voice, notes = synthesizer.prompt_voice(wav, name="me", source=recording)
    speech = synthesizer.synthesize(text, SpeechOptions(voice=voice))
    write_audio(path, speech.wav, speech.sample_rate)
    for note in (*notes, *speech.notes):
        print(f"note: {note}")
    print(f"{path}: {speech.seconds:.2f} s from {voice.codes.shape[1]} frames of prompt")


if __name__ == "__main__":
    main(*sys.argv[1:4])
