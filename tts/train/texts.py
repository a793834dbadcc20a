"""What a corpus says: a mixture of kinds of text, from files of sentences.

A voice that has read only prose stumbles over a single word, a list, a number, a heading without a
full stop. Each item of a corpus is therefore of a kind drawn by `KINDS`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from frontend.wordlist import words
from tts.train.everyday import everyday
from tts.train.sentences import HAN, sentence_key

# kind: share, English and Mandarin
KINDS = {
    "en": {
        **{"everyday": 0.40, "prose": 0.22, "template": 0.06, "joined": 0.12, "word": 0.05},
        **{"number": 0.07, "list": 0.04, "clause": 0.04},
    },
    "zh": {
        **{"everyday": 0.43, "prose": 0.12, "joined": 0.13, "word": 0.06, "number": 0.08},
        **{"list": 0.03, "clause": 0.03, "mixed": 0.12},
    },
}
MAX_WORDS, MAX_HAN = 36, 60
# Mandarin sentences with a place for an English word, as people say them.
_FRAMES = words(
    "我用{}给你发过去。 你会用{}吗？ 这个{}怎么打开？ 我们下午有一个{}。 他在{}工作了三年。 "
    "请把{}发给我。 我最喜欢的是{}。 {}是什么意思？ 老师说这个词读{}。 周末去{}吧。 "
    "我的{}找不到了。 他的英文名叫{}。 这家店卖{}。 记得更新你的{}。 我在{}上看到的。 "
    "今天的{}很不错。 她刚从{}回来。 我们要不要换一个{}？ 这次的{}是谁负责的？ 没有{}怎么办？"
)
_LOANS = words(
    "iPhone WiFi email app Google Windows Python PPT logo party offer boss deadline meeting CEO "
    "coffee Chris Anna London Paris Monday video blog password Facebook YouTube laptop menu show "
    "team leader project manager office tour model bug demo online chat game music movie sorry"
)
_CLAUSE = re.compile(r"(?<=[,;:，；：])\s*")
_ASIDE = re.compile(r"[()（）\[\]]")
_EN_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_EN_MONTHS = "January February March April May June July August September October November December"


@dataclass(frozen=True)
class Sources:
    """Sentences of one language, shuffled: of daily life, and of prose."""

    everyday: list[str]
    prose: list[str]


def read_sources(
    everyday_file: Path, prose_file: Path, language: str, left_out: Collection[str]
) -> Sources:
    """Read two files of sentences, a line each.

    Args:
        left_out: `sentence_key` of what must never be spoken, because a test is held on it.

    Raises:
        ValueError: a file has no usable sentence of the language.
    """

    def usable(path: Path) -> list[str]:
        lines = {line.strip() for line in path.read_text("utf-8").splitlines()}
        kept = [
            line
            for line in sorted(lines)
            if line
            and not _ASIDE.search(line)
            and bool(HAN.search(line)) == (language == "zh")
            and length(line, language) <= (MAX_WORDS if language == "en" else MAX_HAN)
            and sentence_key(line) not in left_out
        ]
        if not kept:
            raise ValueError(f"no {language} sentence in {path}: give a file of that language")
        return kept

    return Sources(usable(everyday_file), usable(prose_file))


def length(text: str, language: str) -> int:
    """Words of English, characters of Mandarin."""
    return len(text.split()) if language == "en" else len(HAN.findall(text))


def items(
    sources: Sources,
    language: str,
    seed: int,
    left_out: Collection[str] = (),
    kinds: Mapping[str, float] | None = None,
) -> Iterator[str]:
    """Endless texts, the same for the same seed. A sentence comes again when all were used.

    Args:
        kinds: names and shares; None means those of `KINDS`.
        left_out: `sentence_key` of what no text may be: a template or a piece of a sentence may
            give one that `read_sources` has not seen.
    """
    rng = random.Random(f"{language} {seed}")
    kinds = kinds or KINDS[language]
    make = _English(rng, sources) if language == "en" else _Mandarin(rng, sources)
    while True:
        kind = rng.choices(list(kinds), list(kinds.values()))[0]
        text = getattr(make, kind)()
        if text and sentence_key(text) not in left_out:
            yield text


class _Deck:
    """Draws every line once before any comes again."""

    def __init__(self, lines: list[str], rng: random.Random) -> None:
        self.lines, self.rng, self.left = lines, rng, []

    def draw(self) -> str:
        if not self.left:
            self.left = list(self.lines)
            self.rng.shuffle(self.left)
        return self.left.pop()


class _Kinds:
    language = ""
    marks = ""
    joint = ""

    def __init__(self, rng: random.Random, sources: Sources) -> None:
        self.rng = rng
        self.days, self.books = _Deck(sources.everyday, rng), _Deck(sources.prose, rng)
        self.everyday, self.prose = self.days.draw, self.books.draw

    def joined(self) -> str:
        """Two to four sentences in a row, as in a paragraph."""
        parts = [self.everyday() for _ in range(self.rng.randint(2, 4))]
        text = self.joint.join(parts)
        limit = MAX_WORDS if self.language == "en" else MAX_HAN
        return text if length(text, self.language) <= limit else parts[0]

    def clause(self) -> str:
        """A piece that a long sentence was cut into: it ends with a comma, or with nothing."""
        parts = [p for p in _CLAUSE.split(self.prose()) if p]
        return self.rng.choice(parts) if len(parts) > 1 else ""


class _English(_Kinds):
    language, joint = "en", " "

    def template(self) -> str:
        return everyday(self.rng)

    def word(self) -> str:
        words = _EN_WORD.findall(self.everyday() + " " + self.prose())
        start = self.rng.randrange(len(words))
        few = " ".join(words[start : start + self.rng.choice((1, 1, 1, 2, 3))])
        return few.capitalize() + self.rng.choice((".", ".", "!", "?", "", ","))

    def list(self) -> str:
        words = [w.lower() for w in _EN_WORD.findall(self.everyday() + " " + self.prose())]
        chosen = self.rng.sample(words, min(len(words), self.rng.randint(3, 6)))
        last = self.rng.choice((" and ", ", and ", ", ", " or "))
        return (", ".join(chosen[:-1]) + last + chosen[-1]).capitalize() + "."

    def number(self) -> str:
        r = self.rng
        big = r.choice((r.randint(0, 99), r.randint(100, 9999), r.randint(10_000, 3_000_000)))
        letters = " ".join(r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(r.randint(1, 5)))
        month = r.choice(_EN_MONTHS.split())
        return r.choice(
            (
                f"{big:,}.",
                f"It costs ${r.randint(1, 999)}.{r.randint(1, 99):02d}.",
                f"The number is {r.randint(200, 999)}-{r.randint(1000, 9999)}.",
                f"On {month} {r.randint(1, 31)}, {r.randint(1750, 2035)}.",
                f"{letters}.",
                f"At {r.randint(1, 12)}:{r.randint(0, 59):02d} {r.choice(('am', 'pm'))}.",
                f"About {r.randint(1, 100)}%, or {r.randint(1, 90)}.{r.randint(1, 9)} kilometers.",
                f"Room {r.randint(1, 999)}, the {r.randint(1, 31)}th floor.",
                f"He was born in {r.randint(1800, 2020)} and is {r.randint(2, 99)} years old.",
            )
        )


class _Mandarin(_Kinds):
    language, joint = "zh", ""

    def word(self) -> str:
        characters = re.findall(r"[\u4e00-\u9fff]{2,}", self.everyday() + "，" + self.prose())
        run = self.rng.choice(characters) if characters else ""
        return run[: self.rng.choice((1, 2, 2, 3, 4))] + self.rng.choice(
            ("。", "。", "！", "？", "")
        )

    def mixed(self) -> str:
        """Both languages: a word in a sentence, or a sentence after a sentence."""
        if self.rng.random() < 0.6:
            few = " ".join(self.rng.sample(_LOANS, self.rng.choice((1, 1, 1, 2))))
            return self.rng.choice(_FRAMES).format(few)
        words = _EN_WORD.findall(everyday(self.rng))
        parts = [self.everyday(), " ".join(words).capitalize() + "."]
        self.rng.shuffle(parts)
        return " ".join(parts)

    def list(self) -> str:
        runs = re.findall(r"[\u4e00-\u9fff]{2,4}", self.everyday() + "，" + self.prose())
        chosen = self.rng.sample(runs, min(len(runs), self.rng.randint(3, 5)))
        return "、".join(chosen) + "。" if len(chosen) > 2 else ""

    def number(self) -> str:
        r = self.rng
        half = r.choice(("上午", "下午", "晚上"))
        return r.choice(
            (
                f"{r.choice((r.randint(0, 99), r.randint(100, 99999)))}。",
                f"一共{r.randint(1, 999)}块{r.randint(1, 9)}毛。",
                f"{r.randint(1900, 2030)}年{r.randint(1, 12)}月{r.randint(1, 28)}日。",
                f"现在是{half}{r.randint(1, 12)}点{r.randint(1, 59)}分。",
                f"电话是{r.randint(13000000000, 18999999999)}。",
                f"大约{r.randint(1, 100)}%，也就是{r.randint(1, 90)}.{r.randint(1, 9)}公里。",
                f"第{r.randint(1, 120)}名，{r.randint(1, 99)}岁。",
                f"房间号是{r.randint(101, 999)}，在{r.randint(1, 30)}楼。",
            )
        )
