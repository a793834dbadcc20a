"""From sound to text with times: any length, piece by piece, each cut where it is quiet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soxr
import torch

from frontend.clean import HAN_CHARACTER
from tokenizer.audio import is_silent, quietest_cut
from tokenizer.layout import mix_down
from tokenizer.model import CatTokenizer
from tts.inference.joining import TimedSpan
from tts.listen.folder import load_listener, load_writer
from tts.listen.model import Hearing, Listener
from tts.listen.sounds import IS_MANDARIN, IS_MARK, spoken
from tts.listen.spelling import spell
from tts.listen.timing import begins
from tts.listen.writing import Writer, Written

LANGUAGES = ("auto", "en", "zh")
# A piece of sound is cut between these two, where it is quietest.
SHORTEST_S, LONGEST_S = 5.0, 14.0
# A last word that is heard into silence ends this long after its last sound was surest.
TAIL_S = 0.24
_ENDS = ".?!。？！"
_WIDE = str.maketrans(",.?!:;", "，。？！：；")


class Segment(NamedTuple):
    """What was heard in one piece of sound.

    Attributes:
        text: "" where nothing was said, or nothing that can be made out.
        language: 'en' or 'zh'; "" without a text.
        start_s, end_s: of the piece.
        words: when each was heard; `at` are places in `text`.
        certainty: mean over its sounds, 0 to 1; 0 where none was heard.
    """

    text: str
    language: str
    start_s: float
    end_s: float
    words: tuple[TimedSpan, ...] = ()
    certainty: float = 0.0

    @property
    def is_unsure(self) -> bool:
        """Whether something was heard, but too uncertain to be written."""
        return not self.text and self.certainty > 0


@dataclass(frozen=True)
class Ears:
    """A listener with its words and tokenizer."""

    listener: Listener
    writer: Writer
    codec: CatTokenizer

    def segment(
        self, wav: np.ndarray, start_s: float = 0.0, lang: str = "auto", books: int | None = None
    ) -> Segment:
        """Listen to one piece of sound.

        Args:
            wav: float32 (N,) at the codec's rate, of `LONGEST_S` or so at most.
            start_s: where it begins in the whole.
            lang: one of `LANGUAGES`.
            books: codebooks to read, of those that the listener knows; None means all.
        """
        end_s = start_s + len(wav) / self.codec.sample_rate
        if is_silent(wav):
            return Segment("", "", start_s, end_s)
        used = self.listener.config.num_codebooks if books is None else books
        sound = torch.from_numpy(wav)[None, None].expand(1, self.codec.channels, -1)
        with torch.inference_mode():
            codes = self.codec.encode(sound.to(self.codec.device), used)
            hearing = self.listener.hear(codes.to(self.listener.codes.weight.device))
        return self.segment_of(hearing, start_s, end_s, lang)

    def segment_of(
        self, hearing: Hearing, start_s: float, end_s: float, lang: str = "auto"
    ) -> Segment:
        """The text of what was heard, (1, T, 1 + sounds)."""
        logits = only(lang, hearing.sounds[0])
        sounds = spell(logits)
        numbers = sounds.numbers.cpu().numpy()
        kept = spoken(numbers)
        if not len(kept):
            return Segment("", "", start_s, end_s)
        certainty = float(sounds.certainty.cpu()[kept].mean())
        if certainty < self.listener.config.certainty:
            return Segment("", "", start_s, end_s, certainty=certainty)
        written = with_wide_marks(self.writer.write(logits.float().cpu().numpy()))
        text = "".join(w.word for w in written).strip()
        language = "zh" if IS_MANDARIN[numbers[kept]].mean() > 0.5 else "en"
        words = self._words(text, written, hearing, start_s, end_s)
        # Text without a single word is none.
        if not words:
            return Segment("", "", start_s, end_s, certainty=certainty)
        return Segment(text, language, start_s, end_s, words, certainty)

    def _words(
        self,
        text: str,
        written: Sequence[Written],
        hearing: Hearing,
        start_s: float,
        end_s: float,
    ) -> tuple[TimedSpan, ...]:
        """When the words of a text were heard: from their first sound to the next word's."""
        sounds = [sound for one in written for sound in one.sounds]
        first = begins(hearing.labels[0], np.array(sounds, dtype=np.int64))
        frame_s = 1 / self.listener.config.frame_rate
        found, cursor, after = [], 0, 0
        for word, own, last in written:
            word = word.strip()
            at = text.index(word, cursor)
            cursor = at + len(word)
            start, after = after, after + len(own)
            if not any(map(str.isalnum, word)):
                continue
            begin = first[start] * frame_s
            follows = first[after] * frame_s if after < len(first) else np.inf
            end = min(follows, last * frame_s + TAIL_S)
            begin = min(start_s + begin, end_s)
            end = min(max(start_s + end, begin + frame_s), max(end_s, begin))
            found.append(TimedSpan(word, round(begin, 3), round(end, 3), (at, cursor)))
        return tuple(found)

    def segments(
        self, blocks: Iterable[tuple[np.ndarray, int]], lang: str = "auto", books: int | None = None
    ) -> Iterator[Segment]:
        """Listen to sound of any length; little more than a piece of it is held at once.

        Args:
            blocks: float32 (n, channels) and their rate in Hz, the same for all.
        """
        rate, start = self.codec.sample_rate, 0
        for wav in cut_pieces(resampled(blocks, rate), rate):
            yield self.segment(wav, start / rate, lang, books)
            start += len(wav)


def load_ears(listener: str | Path, codec: CatTokenizer) -> Ears:
    """A listener ('embedded' or a folder) on the device of its tokenizer.

    Raises:
        CheckpointError: there is none, it is damaged, or it reads another tokenizer's codes.
    """
    return Ears(load_listener(listener, codec, codec.device), load_writer(listener), codec)


def with_wide_marks(written: Sequence[Written]) -> list[Written]:
    """Marks behind Chinese characters as Chinese has them."""
    found, before = [], ""
    for one in written:
        wide = one.word.translate(_WIDE) if HAN_CHARACTER.search(before) else one.word
        found.append(one._replace(word=wide))
        before = one.word
    return found


def only(lang: str, logits: torch.Tensor) -> torch.Tensor:
    """Logits (T, 1 + sounds) without the sounds of the other language; 'auto' leaves them."""
    if lang == "auto":
        return logits
    sounds = np.arange(len(IS_MARK))
    other = IS_MANDARIN if lang == "en" else ~(IS_MANDARIN | IS_MARK) & (sounds > 0)
    return logits.masked_fill(torch.from_numpy(other).to(logits.device), -torch.inf)


def resampled(blocks: Iterable[tuple[np.ndarray, int]], rate: int) -> Iterator[np.ndarray]:
    """One channel at `rate` Hz: float32 (n,), n as it comes."""
    stream: soxr.ResampleStream | None = None
    for block, own in blocks:
        mono = np.clip(mix_down(block), -1.0, 1.0)
        if own == rate:
            yield mono
            continue
        stream = stream or soxr.ResampleStream(own, rate, 1, quality="HQ")
        yield stream.resample_chunk(mono)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def cut_pieces(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """Pieces of at most `LONGEST_S`, float32 (N,), that together are the whole."""
    waiting = np.zeros(0, np.float32)
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) > LONGEST_S * rate:
            cut = quietest_cut(waiting, rate, SHORTEST_S, LONGEST_S)
            yield waiting[:cut]
            waiting = waiting[cut:]
    if len(waiting):
        yield waiting


def whole_text(segments: Sequence[Segment]) -> tuple[str, list[TimedSpan], list[TimedSpan]]:
    """The text of all segments, its words and its sentences, with places in that text."""
    text, words, sentences = "", [], []
    for segment in segments:
        if not segment.text:
            continue
        if text and not (segment.language == "zh" and text[-1] > "\u2e80"):
            text += " "
        offset = len(text)
        text += segment.text
        own = [w._replace(at=(w.at[0] + offset, w.at[1] + offset)) for w in segment.words]
        words += own
        sentences += _sentences(text, offset, own)
    return text, words, sentences


def summary(segments: Sequence[Segment]) -> dict[str, Any]:
    """Text, language, length and certainty of what was heard."""
    said = [s for s in segments if s.text]
    length = sum(len(s.text) for s in said)
    zh = sum(len(s.text) * (s.language == "zh") for s in said)
    certainty = sum(s.certainty * len(s.text) for s in said) / max(1, length)
    return {
        "text": whole_text(segments)[0],
        "language": "" if not said else "zh" if 2 * zh > length else "en",
        "duration": round(segments[-1].end_s, 3) if segments else 0.0,
        "certainty": round(certainty, 3),
    }


def _sentences(text: str, first: int, words: Sequence[TimedSpan]) -> list[TimedSpan]:
    """Stretches of words up to a mark that ends a sentence."""
    found, own = [], []
    for number, word in enumerate(words):
        own.append(word)
        end = words[number + 1].at[0] if number + 1 < len(words) else len(text)
        between = text[word.at[1] : end]
        if number + 1 == len(words) or any(mark in between for mark in _ENDS):
            part = text[first:end].rstrip()
            found.append(TimedSpan(part, own[0].start_s, word.end_s, (first, first + len(part))))
            first, own = end, []
    return found
