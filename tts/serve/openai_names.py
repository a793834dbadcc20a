"""OpenAI's voice names: clients that have them built in get voices of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tts.voices import Voice, list_voices

# As what each is mostly heard.
GENDERS = {
    "alloy": "f",
    "ash": "m",
    "ballad": "m",
    "cedar": "m",
    "coral": "f",
    "echo": "m",
    "fable": "m",
    "marin": "f",
    "nova": "f",
    "onyx": "m",
    "sage": "f",
    "shimmer": "f",
    "verse": "m",
}


def voice_for(name: str | None, known: Callable[[], Sequence[Voice]] = list_voices) -> str | None:
    """The voice that a client means by `name`.

    Args:
        name: as the client wrote it; a voice of exactly that name wins.
        known: lists the voices that there are.

    Returns:
        For the n-th of OpenAI's names of a gender the n-th shipped English voice of it, and from
        the first again where they run out; any other name as it is.
    """
    if name not in GENDERS:
        return name
    voices = known()
    if not voices or any(voice.name == name for voice in voices):
        return name
    gender = GENDERS[name]
    fitting = [v for v in voices if v.shipped and v.lang == "en" and v.gender == gender]
    alike = [other for other in GENDERS if GENDERS[other] == gender]
    choice = fitting or voices
    return choice[alike.index(name) % len(choice)].name
