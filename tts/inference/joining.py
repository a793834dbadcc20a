"""Pieces put together into one sound: pace, edges, pauses; and when each word is heard.

A piece goes in as it is spoken and comes out with the silence at its inner ends cut to a margin, so
that the pause between two pieces is as long as was asked for. What comes out does not depend on
the sizes of what goes in: a stream has the samples of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tokenizer.layout import silence
from tts.inference.stretch import Stretcher

if TYPE_CHECKING:
    from frontend.written import WrittenWord
    from tokenizer.model import CatTokenizer
    from tts.inference.prompt_builders import Piece

# Softer blocks at the ends of a piece are silence; speech has -23 dBFS.
QUIET_DBFS = -52.0
BLOCK_S = 0.01
# Kept before the first and after the last sound of a piece: breath, and the end of a consonant.
HEAD_S, TAIL_S = 0.02, 0.04
FADE_S = 0.005
# The monologue learned from an aligner that hears words some 80 ms later than Whisper does; neither
# is the truth, and half of that is taken off.
LABEL_LAG_S = 0.04


class TimedSpan(NamedTuple):
    """A word or sentence of a text, and when it is heard.

    Attributes:
        text: as written.
        start_s, end_s: in the finished sound.
        at: its place in the text that was given, characters [at[0], at[1]).
    """

    text: str
    start_s: float
    end_s: float
    at: tuple[int, int]


class JoinedChunk(NamedTuple):
    """What is ready: float32 (N,) or (N, channels), and the words whose times are now known."""

    wav: np.ndarray
    words: tuple[TimedSpan, ...] = ()


class Joiner:
    """Takes pieces in their order: for each `begin`, `push` as often as need be, `finish`.

    Args:
        pieces: all of a text.
        sample_rate: in Hz.
        frame_size: samples of a frame of the codec.
        channels: of the sound.
    """

    def __init__(
        self, pieces: Sequence[Piece], sample_rate: int, frame_size: int, channels: int = 1
    ) -> None:
        self.pieces, self.rate, self.frame_size = pieces, sample_rate, frame_size
        self.channels = channels
        self.number, self.samples = -1, 0  # samples that were given out

    def begin(self) -> np.ndarray:
        """Go on to the next piece: the silence before it, samples as `push` takes them."""
        self._before = self.samples
        self.number += 1
        pause, tail = self._pause(self.number), self._tail(self.number - 1)
        head = min(self._n(HEAD_S), pause - tail) if pause else None
        last = self.number == len(self.pieces) - 1 and not self.piece.after_s
        stretch = self.piece.stretch
        tail_kept = None if last else self._tail(self.number)
        self._trimmed = _Trimmer(self.rate, head, tail_kept, self.channels)
        self._stretcher = None
        if stretch != 1:
            self._stretcher = Stretcher(self.rate, stretch, self.channels)
        self._clock = _Clock(self.piece)
        self._told = 0.0  # where the last word that was given out ends
        gap = self._count(silence(max(0, pause - tail - (head or 0)), self.channels))
        self._begun = self.samples
        return gap

    def again(self) -> np.ndarray:
        """`begin` the same piece anew: what was given out of it does not count."""
        self.number, self.samples = self.number - 1, self._before
        return self.begin()

    def push(self, wav: np.ndarray, places: Sequence[int] = ()) -> JoinedChunk:
        """Some sound of the piece.

        Args:
            wav: float32 (N,), or (N, channels).
            places: of its frames, symbols that they have reached; of a model that tells none, ().
        """
        self._clock.push(places)
        if self._stretcher is not None:
            wav = self._stretcher.push(wav)
        ready = self._count(self._trimmed.push(wav))
        return JoinedChunk(ready, self._words())

    def finish(self) -> JoinedChunk:
        """The rest of the piece."""
        rest = silence(0, self.channels)
        if self._stretcher is not None:
            rest = self._stretcher.finish()
        parts = [self._trimmed.push(rest), self._trimmed.finish()]
        if self.number == len(self.pieces) - 1 and self.piece.after_s:
            margin = self._trimmed.tail or 0
            parts.append(silence(self._n(self.piece.after_s) - margin, self.channels))
        ready = self._count(np.concatenate(parts))
        self._clock.end()
        return JoinedChunk(ready, self._words())

    def sentence(self) -> TimedSpan:
        """Of the finished piece."""
        first, last = self._trimmed.first, self._trimmed.last
        return TimedSpan(self.piece.text, self._final(first), self._final(last), self.piece.at)

    @property
    def piece(self) -> Piece:
        return self.pieces[self.number]

    def _n(self, seconds: float) -> int:
        return round(seconds * self.rate)

    def _pause(self, number: int) -> int:
        """Samples of silence before a piece; none stand before the first unless asked for."""
        return self._n(self.pieces[number].before_s) if 0 <= number < len(self.pieces) else 0

    def _tail(self, number: int) -> int:
        """Samples kept after the last sound of a piece: part of the pause that follows."""
        if not 0 <= number < len(self.pieces):
            return 0
        if number == len(self.pieces) - 1:
            return min(self._n(TAIL_S), self._n(self.pieces[number].after_s))
        pause = self._pause(number + 1)
        return min(self._n(TAIL_S), pause * 2 // 3)

    def _count(self, wav: np.ndarray) -> np.ndarray:
        self.samples += len(wav)
        return wav

    def _final(self, sample: float) -> float:
        """Seconds in the finished sound of a sample of the stretched piece."""
        return max(0.0, (self._begun + sample - self._trimmed.cut) / self.rate)

    def _words(self) -> tuple[TimedSpan, ...]:
        """Those whose end is known; only once the piece is heard, for its silence is cut off."""
        trimmed = self._trimmed
        if trimmed.silent and not self._clock.ended:
            return ()
        scale = self.frame_size / self.piece.stretch
        lag = LABEL_LAG_S * self.rate / self.piece.stretch
        words = []
        for word, start, end in self._clock.take():
            begin, stop = start * scale - lag, end * scale - lag
            # Silence before the first word and after the last is none of theirs.
            if self._clock.ended:
                begin, stop = min(begin, trimmed.last), min(stop, trimmed.last)
            begin = max(begin, trimmed.first, self._told)
            self._told = stop = max(begin, stop)
            at = (word.at.start, word.at.stop)
            words.append(TimedSpan(word.text, self._final(begin), self._final(stop), at))
        return tuple(words)


class JoinedText(NamedTuple):
    """All of a text: float32 (N,) or (N, channels), and when its words and sentences are heard."""

    wav: np.ndarray
    words: tuple[TimedSpan, ...]
    sentences: tuple[TimedSpan, ...]


def join(
    pieces: Sequence[Piece],
    sounds: Iterable[tuple[np.ndarray, Sequence[int]]],
    codec: CatTokenizer,
) -> JoinedText:
    """All of a text at once.

    Args:
        pieces: see `Joiner`.
        sounds: of each piece, with its places; see `Joiner.push`.
        codec: that made them.
    """
    joiner = Joiner(pieces, codec.sample_rate, codec.frame_size, codec.channels)
    wavs = [silence(0, codec.channels)]
    words: list[TimedSpan] = []
    sentences = []
    for wav, places in sounds:
        pause = joiner.begin()
        parts = joiner.push(wav, places), joiner.finish()
        wavs += [pause, *(part.wav for part in parts)]
        words += [word for part in parts for word in part.words]
        sentences.append(joiner.sentence())
    return JoinedText(np.concatenate(wavs), tuple(words), tuple(sentences))


@dataclass
class _Trimmer:
    """Cuts the silence at the ends of a piece.

    head, tail: samples kept before the first and after the last sound, with silence added where
    there are fewer; None leaves that end as it is. first, last: where it is heard. cut: samples
    taken from the beginning, below 0 where some were added.
    """

    rate: int
    head: int | None
    tail: int | None
    channels: int = 1
    first: int = 0
    last: int = 0
    cut: int = 0
    silent: bool = True
    _taken: int = 0
    _open: list[np.ndarray] = field(default_factory=list)
    _held: list[np.ndarray] = field(default_factory=list)

    def push(self, wav: np.ndarray) -> np.ndarray:
        """float32 (N,) -> float32 (M,), what is ready."""
        size = max(1, round(BLOCK_S * self.rate))
        waiting = np.concatenate([*self._open, wav])
        whole = len(waiting) // size * size
        self._open = [waiting[whole:]]
        return self._blocks(waiting[:whole].reshape(-1, size, *waiting.shape[1:]))

    def finish(self) -> np.ndarray:
        """What is left, with its end."""
        rest = np.concatenate(self._open)
        self._open = []
        ready = self._blocks(rest[None]) if len(rest) else rest
        held = np.concatenate([silence(0, self.channels), *self._held])
        if self.silent:  # nothing is heard: that is for the guard to judge
            self.last = self._taken
            return held
        if self.tail is None:
            return np.concatenate([ready, held])
        kept = silence(self.tail, self.channels)
        kept[: len(held)] = held[: self.tail]
        fade = min(self.tail, round(FADE_S * self.rate))
        if fade:
            kept[-fade:] *= _ramp(1, 0, fade, kept)
        return np.concatenate([ready, kept])

    def _blocks(self, blocks: np.ndarray) -> np.ndarray:
        out = [silence(0, self.channels)]
        power = np.square(blocks).mean(axis=tuple(range(1, blocks.ndim)))
        loud = np.sqrt(power) >= 10 ** (QUIET_DBFS / 20)
        for block, heard in zip(blocks, loud, strict=True):
            if heard:
                if self.silent:
                    self.silent, self.first = False, self._taken
                    self._held = [self._headed(np.concatenate([block[:0], *self._held]))]
                out += [*self._held, block]
                self._held = []
                self.last = self._taken + len(block)
            elif (self.silent and self.head is None) or (not self.silent and self.tail is None):
                out.append(block)
            else:
                self._held.append(block)
            self._taken += len(block)
        return np.concatenate(out)

    def _headed(self, quiet: np.ndarray) -> np.ndarray:
        """The margin before the first sound."""
        if self.head is None:
            return quiet
        kept = silence(self.head, self.channels)
        own = quiet[max(0, len(quiet) - self.head) :]
        kept[len(kept) - len(own) :] = own
        self.cut = len(quiet) - self.head
        fade = min(self.head, round(FADE_S * self.rate))
        kept[:fade] *= _ramp(0, 1, fade, kept)
        return kept


def _ramp(first: float, last: float, count: int, like: np.ndarray) -> np.ndarray:
    """A straight line over time, the same in all channels."""
    line = np.linspace(first, last, count, dtype=np.float32)
    return line.reshape(-1, *[1] * (like.ndim - 1))


class _Clock:
    """When each symbol of a piece begins, in frames, and the words that have ended."""

    def __init__(self, piece: Piece) -> None:
        self.words, self.given, self.ended = piece.words, 0, False
        self.begins: list[float] = []  # of each symbol that was reached
        self.frames = 0

    def push(self, places: Sequence[int]) -> None:
        for place in places:
            passed = place + 1 - len(self.begins)
            # A place is what has begun by the end of its frame: somewhere inside.
            self.begins += [self.frames + (i + 1) / (passed + 1) for i in range(passed)]
            self.frames += 1

    def end(self) -> None:
        self.ended = True

    def take(self) -> list[tuple[WrittenWord, float, float]]:
        """Words that have ended since the last call, with begin and end."""
        taken = []
        for word in self.words[self.given :]:
            if word.symbols.stop >= len(self.begins) and not self.ended:
                break
            start, end = self._begin(word.symbols.start), self._begin(word.symbols.stop)
            taken.append((word, start, end))
        self.given += len(taken)
        return taken

    def _begin(self, symbol: int) -> float:
        return self.begins[symbol] if symbol < len(self.begins) else float(self.frames)
