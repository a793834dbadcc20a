"""Finished parts into chapters: joined, levelled, written with their marks."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from tokenizer.audio import PEAK_LIMIT, encode_sound, read_sound, to_int16
from tokenizer.files import replacing
from tts.book.chapters import Book
from tts.inference.joining import TimedSpan
from tts.subtitles import times_file

TARGET_LUFS = -19.0
# libsndfile's and FFmpeg's names.
SINGLE = {".m4b": ("ipod", "aac"), ".mp3": ("mp3", "libmp3lame")}
BIT_RATE = 64_000
_UNSAFE = re.compile(r'[\x00-\x1f/\\:*?"<>|]+')


@dataclass(frozen=True)
class ChapterSound:
    """wav: float32 (N,). words, sentences: times in it."""

    title: str
    wav: np.ndarray
    words: tuple[TimedSpan, ...]
    sentences: tuple[TimedSpan, ...]


def chapter_sound(title: str, parts: Sequence[tuple[Path, Path]]) -> tuple[ChapterSound, int]:
    """Join the parts of a chapter and bring it to `TARGET_LUFS`.

    Args:
        title: of the chapter.
        parts: sound and times (JSON) of each.

    Returns:
        The chapter, and its sample rate.
    """
    wavs: list[np.ndarray] = []
    words: list[TimedSpan] = []
    sentences: list[TimedSpan] = []
    samples, rate, letters = 0, 1, 0
    for sound, times in parts:
        wav, rate = read_sound(sound)
        told = json.loads(times.read_text(encoding="utf-8"))
        shift = samples / rate
        words += [_shifted(one, "word", shift, letters) for one in told["words"]]
        sentences += [_shifted(one, "text", shift, letters) for one in told["sentences"]]
        letters = max([letters, *(one.at[1] for one in (*words, *sentences))]) + 1
        samples += len(wav)
        wavs.append(wav)
    joined = levelled(np.concatenate(wavs), rate)
    return ChapterSound(title, joined, tuple(words), tuple(sentences)), rate


def _shifted(row: dict, name: str, seconds: float, letters: int) -> TimedSpan:
    at = (row["from"] + letters, row["to"] + letters)
    return TimedSpan(row[name], row["start"] + seconds, row["end"] + seconds, at)


def levelled(wav: np.ndarray, sample_rate: int, target: float = TARGET_LUFS) -> np.ndarray:
    """Bring a sound to a loudness by ITU-R BS.1770, as pyloudnorm measures it.

    Args:
        wav: float32 (N,).
        sample_rate: in Hz.
        target: in LUFS; where the peak would pass 0.95 it stays softer.
    """
    from pyloudnorm import Meter

    if len(wav) < 0.4 * sample_rate + 1:  # the meter's block
        return wav
    measured = Meter(sample_rate).integrated_loudness(wav.astype(np.float64))
    if not np.isfinite(measured):
        return wav
    gain = min(10 ** ((target - measured) / 20), PEAK_LIMIT / max(float(np.abs(wav).max()), 1e-9))
    return (wav * np.float32(gain)).astype(np.float32)


def chapter_file(number: int, title: str, count: int) -> str:
    """A name that file systems take, in order."""
    name = " ".join(_UNSAFE.sub(" ", title).split()).strip(".")[:80].strip() or "chapter"
    return f"{number:0{max(2, len(str(count)))}d} {name}"


def write_chapter(folder: Path, name: str, sound: ChapterSound, rate: int, form: str) -> None:
    """A chapter's sound and its subtitles."""
    for ending, data in (
        (form, encode_sound(to_int16(sound.wav), rate, form)),
        ("srt", times_file("srt", sound.words, sound.sentences)),
    ):
        with replacing(folder / f"{name}.{ending}") as temporary:
            temporary.write_bytes(data)


def write_single(path: Path, book: Book, chapters: Sequence[ChapterSound], rate: int) -> None:
    """One file with a mark at each chapter, and its subtitles beside it."""
    sentences: list[TimedSpan] = []
    words: list[TimedSpan] = []
    starts, samples, letters = [0], 0, 0
    for chapter in chapters:
        shift = samples / rate
        for own, all_of_them in ((chapter.words, words), (chapter.sentences, sentences)):
            all_of_them += [
                one._replace(
                    start_s=one.start_s + shift,
                    end_s=one.end_s + shift,
                    at=(one.at[0] + letters, one.at[1] + letters),
                )
                for one in own
            ]
        letters = max([letters, *(one.at[1] for one in (*words, *sentences))]) + 1
        samples += len(chapter.wav)
        starts.append(samples)
    with replacing(path) as temporary:
        temporary.write_bytes(_muxed(path.suffix.lower(), book, chapters, starts, rate))
    with replacing(path.with_suffix(".srt")) as temporary:
        temporary.write_bytes(times_file("srt", words, sentences))


def _muxed(
    ending: str, book: Book, chapters: Sequence[ChapterSound], starts: Sequence[int], rate: int
) -> bytes:
    import av

    form, codec = SINGLE[ending]
    file = io.BytesIO()
    with av.open(file, "w", format=form, container_options={"fflags": "+bitexact"}) as container:
        told = {"title": book.title, "artist": book.author, "album": book.title}
        told["genre"] = "Audiobook"
        container.metadata.update({name: value for name, value in told.items() if value})
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": round(1000 * start / rate),
                    "end": round(1000 * end / rate),
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": chapter.title},
                }
                for number, (chapter, start, end) in enumerate(
                    zip(chapters, starts, starts[1:], strict=False)
                )
            ]
        )
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = BIT_RATE
        position = 0
        for chapter in chapters:
            for first in range(0, len(chapter.wav), rate):
                samples = to_int16(chapter.wav[first : first + rate])
                frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = rate, position, Fraction(1, rate)
                position += len(samples)
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
