"""From what a text asks for (`frontend.script`) to the pieces that are spoken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import frontend
from frontend.script import Script
from frontend.ssml import read_text
from tts.control import SENTENCE_PAUSE_S, check_pause, check_speed
from tts.inference.prompt_builders import Piece, PromptBuilder, SpeechOptions
from tts.voices import Voice

# Silence where a sentence was too long to be spoken at one go.
CLAUSE_PAUSE_S = 0.15
_SENTENCE_END = re.compile(r"[.!?…。！？]\W*$")


def read_script_of(text: str, options: SpeechOptions) -> Script:
    """A text's marks, or its SSML.

    Raises:
        MarkupError: they cannot be read.
        ValueError: an option is out of range.
    """
    for name in ("sentence_pause_s", "paragraph_pause_s"):
        check_pause(getattr(options, name), name)
    return read_text(text, options.ssml, options.cast, options.own_pauses)


def pieces_of(
    script: Script,
    builder: PromptBuilder,
    voices: Mapping[str, Voice | None],
    options: SpeechOptions,
    used: int,
) -> list[Piece]:
    """What the engine will be asked for.

    Args:
        script: of the text.
        builder: the model's way to read.
        voices: by the names in the script; "" is whoever speaks the rest.
        options: of the call.
        used: codebooks in use.

    Raises:
        EmptyTextError: nothing can be spoken.
        ValueError: an option is out of range.
    """
    pieces: list[Piece] = []
    pause, empty, unspoken = None, None, ()
    for passage in script.passages:
        if passage.pause_s is not None:
            pause = (pause or 0.0) + passage.pause_s
        own = replace(
            options,
            seed=options.seed + len(pieces),
            speed=check_speed(options.speed * passage.speed),
            lang=passage.lang or options.lang,
        )
        voice = voices[passage.voice]
        try:
            parts = builder.pieces(passage.text, voice, own, used)
        except frontend.EmptyTextError as error:
            empty, unspoken = empty or error, unspoken + error.notes
            continue
        cursor = passage.at
        for number, part in enumerate(parts):
            placed = _placed(part, script.text, cursor)
            # A builder's own pause holds where the user wants none of his.
            asked = options.sentence_pause_s != SENTENCE_PAUSE_S
            wait = part.before_s if part.before_s and not asked else options.sentence_pause_s
            if number == 0 and pause is not None:
                wait, pause = pause, None
            elif not pieces:
                wait = 0.0
            elif number == 0 and passage.before:
                wait = options.paragraph_pause_s
            elif (
                number
                and not part.before_s
                and _goes_on(pieces[-1], script.text[cursor : placed.at[0]])
            ):
                wait = min(wait, CLAUSE_PAUSE_S)
            name = voice.name if voice is not None else ""
            heard = part.symbols
            if options.check and not heard:  # the model reads no symbols
                heard = _sounds(part.text, own.lang)
            pieces.append(placed._replace(before_s=wait, voice=name, symbols=heard))
            cursor = placed.at[1]
    if not pieces:
        text = script.text
        raise empty or frontend.EmptyTextError(
            f"nothing to say in {text[:40]!r}; give at least one letter, digit or character"
        )
    after = script.after_s + (pause or 0.0)
    pieces[0] = pieces[0]._replace(notes=(*script.notes, *unspoken, *pieces[0].notes))
    pieces[-1] = pieces[-1]._replace(after_s=after)
    return pieces


def _sounds(text: str, lang: str) -> tuple[str, ...]:
    """What should be heard of a piece; nothing where the front end finds nothing to say."""
    try:
        return frontend.phonemize(text, lang).symbols
    except frontend.EmptyTextError:
        return ()


def _goes_on(before: Piece, between: str) -> bool:
    """Whether a sentence was cut for its length."""
    return not _SENTENCE_END.search(before.text) and "\n" not in between


def _placed(piece: Piece, text: str, cursor: int) -> Piece:
    """A piece with its places in the whole text: lines were joined, and layout left out."""
    start, stop = _find(text, piece.text, cursor)
    words, cursor = [], start
    same = text[start:stop] == piece.text
    for word in piece.words:
        first, last = word.at.start + start, word.at.stop + start
        at = range(first, last) if same else range(*_find(text, word.text, cursor))
        cursor = at.stop
        words.append(replace(word, at=at))
    return piece._replace(words=tuple(words), at=(start, max(stop, cursor)))


def _find(text: str, part: str, cursor: int) -> tuple[int, int]:
    """Where a part of a text stands, whatever its white space; nothing at the cursor if not."""
    at = text.find(part, cursor)
    if at >= 0:
        return at, at + len(part)
    pattern = r"\s*".join(re.escape(char) for char in part if not char.isspace())
    match = re.compile(pattern).search(text, cursor)
    return match.span() if match else (cursor, cursor)
