"""What `python -m frontend` prints can be pasted back as `[word](reading)`."""

import subprocess
import sys
from pathlib import Path

import pytest

from frontend import phonemize
from frontend.__main__ import main
from frontend.mandarin.pinyin import spell_syllables, syllable_symbols, syllables
from frontend.markup import parse_pronunciation


@pytest.mark.parametrize("tone", ["1", "5"])
def test_every_syllable_is_spelled_as_it_is_read(tone: str) -> None:
    for spelling in syllables():
        symbols = syllable_symbols(spelling + tone)
        assert symbols is not None
        (written,) = spell_syllables(symbols)
        assert syllable_symbols(written) == symbols, spelling


@pytest.mark.parametrize(
    ("text", "row"),
    [("当然", "dang1 ran2"), ("花儿", "huar1"), ("一直", "yi4 zhi2"), ("音乐", "yin1 yue4")],
)
def test_printed_pinyin(text: str, row: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([text]) == 0
    assert row in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "当然可以，儿童节去女儿家玩儿，略略绿茶。",
        "他迅速下降，云朵有用，晚安。",
        "I read a book, then we record it.",
    ],
)
def test_pasted_readings_say_the_same(text: str) -> None:
    for word in phonemize(text).words:
        if not word.lang:
            continue
        said = spell_syllables(word.symbols) if word.lang == "zh" else word.symbols
        symbols, language = parse_pronunciation(" ".join(said))
        assert (symbols, language) == (word.symbols, word.lang), word


def test_two_threads_may_be_first() -> None:
    """In fresh interpreters: importing pypinyin in two threads at once waited for ever."""
    script = (
        "import threading, frontend\n"
        "said = []\n"
        "def speak(text): said.append(frontend.phonemize(text).normalized)\n"
        "texts = ['你好，银行', '3个人 hello', 'the use of it', '今天5点']\n"
        "threads = [threading.Thread(target=speak, args=(text,)) for text in texts]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "assert len(said) == 4\n"
    )
    root = Path(__file__).parent.parent
    for _ in range(3):
        result = subprocess.run([sys.executable, "-c", script], cwd=root, timeout=120, check=False)
        assert result.returncode == 0
