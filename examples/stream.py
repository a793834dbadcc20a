"""Play while it is being made: python examples/stream.py "Some text." | aplay -f S16_LE -r 24000

Any player that reads 16-bit mono samples from standard input will do; the rate is on stderr.
"""

from __future__ import annotations

import sys
from typing import BinaryIO

from tokenizer.audio import to_int16
from tts import SpeechOptions, Synthesizer


def main(text: str, player: BinaryIO) -> int:
    synthesizer = Synthesizer.load()
    print(f"{synthesizer.sample_rate} Hz", file=sys.stderr)
    frames = 0
    for chunk in synthesizer.stream(text, SpeechOptions(seed=1)):
        player.write(to_int16(chunk.wav).tobytes())
        player.flush()
        frames += chunk.frames
    return frames


if __name__ == "__main__":
    main(sys.argv[1], sys.stdout.buffer)
