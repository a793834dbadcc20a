"""Loading dictionaries and models once, whichever thread needs them first.

Two threads that import pypinyin at the same time can wait for each other for ever, so everything
heavy is loaded under one lock. Loading makes many objects and no garbage: the collector rests.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Final

_LOCK: Final = RLock()
_LOADED: Final[set[str]] = set()


@contextmanager
def _without_collector() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _once(name: str, load: Callable[[], None]) -> None:
    if name in _LOADED:
        return
    with _LOCK:
        if name not in _LOADED:
            with _without_collector():
                load()
            _LOADED.add(name)


def _english() -> None:
    from frontend.english import g2p as english
    from frontend.english import homograph_model

    english.dictionary()
    homograph_model.load_readings()


def _mandarin() -> None:
    # The imports of pypinyin are what must not meet.
    import pypinyin.constants
    import pypinyin.seg.mmseg

    from frontend.mandarin import common_words, hanzi, polyphones
    from frontend.mandarin import g2p as mandarin
    from frontend.mandarin import words as zh_words

    assert pypinyin.constants.PHRASES_DICT
    zh_words.table()
    common_words.common()
    polyphones.load_model()
    polyphones.certain_readings()
    hanzi.simplify("你好")
    mandarin.segment("你好")


def load_english() -> None:
    """Load what English needs; a second call costs nothing."""
    _once("en", _english)


def load_mandarin() -> None:
    """Load what Mandarin needs; a second call costs nothing."""
    _once("zh", _mandarin)
