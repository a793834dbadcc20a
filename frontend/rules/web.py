"""Addresses and file names, in either language: each is read as it would be dictated."""

import re
from collections.abc import Callable
from typing import Final

from frontend.rules import numbers_en, numbers_zh
from frontend.rules.core import Rule, rule
from frontend.wordlist import words

_WORDS: Final = {
    "en": {
        **{".": "dot", "@": "at", "/": "slash", "-": "dash", "_": "underscore", ":": "colon"},
        **{"#": "hash", "?": "question mark", "=": "equals", "&": "and", "%": "percent"},
        **{"+": "plus", "~": "tilde"},
    },
    "zh": {
        **{".": "点", "@": "艾特", "/": "斜杠", "-": "杠", "_": "下划线", ":": "冒号"},
        **{"#": "井号", "?": "问号", "=": "等于", "&": "和", "%": "百分号", "+": "加"},
        "~": "波浪号",
    },
}
_TOP_LEVEL: Final = (
    "com|org|net|edu|gov|mil|int|io|ai|cn|uk|de|fr|jp|us|eu|ru|ca|au|info|biz|dev|app|"
    "me|tv|co|xyz|tech|online|site|cc|hk|tw|sg|kr|nl|se|br|mx|pl|fm|gg|ly|sh"
)
#: Endings that are spelled in file names; the others are read as words.
_SPELLED: Final = frozenset(
    words(
        "py js ts md cpp hpp css html htm xml yml yaml csv tsv pdf mp3 mp4 wav png jpg jpeg gif "
        "svg txt ppt pptx doc docx xls xlsx rs go c h sh cn uk us io ai tv eu fr jp cc hk tw sg "
        "kr sql exe dll iso rar gz tar www http https ftp php asp jsp rb kt mkv avi flac ogg "
        "tgz ini cfg tex bib rtf mov epub apk dmg vue jsx tsx cs"
    )
)
_AS_WORDS: Final = frozenset(words("zip json log bin tar toml dat bat jar doc gif mov java swift"))
_FILE_ENDINGS: Final = "|".join(sorted(_SPELLED | _AS_WORDS, key=len, reverse=True))
_PIECE: Final = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d\s]")


def _speller(language: str) -> Callable[[re.Match[str]], str]:
    signs = _WORDS[language]
    read_number = numbers_en.cardinal if language == "en" else numbers_zh.cardinal
    read_digits = numbers_en.by_digit if language == "en" else numbers_zh.by_digit

    def speak(match: re.Match[str]) -> str:
        address = re.sub(r"^[A-Za-z]+://", "", match[0]).rstrip("/")
        words: list[str] = []
        for piece in _PIECE.findall(_split_camel(address)):
            if piece.isdigit():
                words.append(read_number(piece) if len(piece) < 5 else read_digits(piece))
            elif piece.isalpha():
                words.append(_address_word(piece))
            elif piece in signs:
                words.append(signs[piece])
        return f" {' '.join(words)} "

    return speak


def _split_camel(text: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)


def _address_word(piece: str) -> str:
    """Spell what nobody would pronounce: known endings and letter groups without a vowel."""
    lower = piece.lower()
    if len(piece) == 1:
        return piece.upper()
    spelled = lower in _SPELLED - _AS_WORDS or (len(lower) < 6 and not re.search("[aeiouy]", lower))
    return piece.upper() if spelled else piece


_BODY: Final = r"[A-Za-z0-9\-._~:/?#&=%+@]"


def web_rules(language: str) -> tuple[Rule, ...]:
    """Rules for e-mail addresses, web addresses and file names.

    Args:
        language: "en" or "zh", the language of the words for the signs.
    """
    speak = _speller(language)
    edge = r"(?<![A-Za-z0-9@._\-])"
    return (
        rule("email", edge + r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+", speak, "@"),
        rule("address", rf"{edge}(?:https?|ftp)://{_BODY}*[A-Za-z0-9/]", speak, "/"),
        rule(
            "bare address",
            rf"{edge}(?:www\.[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+|"
            rf"(?:[A-Za-z0-9\-]+\.)+(?:{_TOP_LEVEL})(?![A-Za-z0-9]|\.[A-Za-z]))"
            rf"(?:[/?#]{_BODY}*[A-Za-z0-9/]|/)?",
            speak,
            ".",
        ),
        rule(
            "file name",
            rf"{edge}[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*\.(?:{_FILE_ENDINGS})(?![A-Za-z0-9]|\.\w)",
            speak,
            ".",
        ),
        rule("path", r"(?<![\w.<])~?(?:/[A-Za-z0-9_.\-]+){2,}/?", speak, "/"),
    )
