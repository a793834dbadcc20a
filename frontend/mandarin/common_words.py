"""Common words, whose dictionary reading comes before the polyphone scorer.

The scorer learned from sentences about rare readings; for 了解, 的确, 种地 the dictionary of
pypinyin knows better. A word counts only where it stands for itself: 着手 in 拿着手机 is cut by
手机 and decides nothing.
"""

from functools import lru_cache
from typing import Final

from frontend.mandarin.polyphone_features import pypinyin_phrase
from frontend.mandarin.words import common
from frontend.wordlist import words

_LONGEST: Final = 4
#: Before a word these rather stand alone: 这个人参 is not cut by 个人.
_LOOSE: Final = frozenset("个的了是在和")
#: The dictionary is wrong or dated here, or the word has two readings: the scorer decides.
_LEFT_TO_THE_SCORER: Final = frozenset(
    words(
        "似的 分子 一场 大夫 肚子 当天 当晚 黄陂 乡长 落下 流血 散发 朝阳 运转 "
        "无处 温差 级差 埃塞俄比亚 塞内加尔 阿塞拜疆 上行 一通 挣脱 散射 落差 "
        "薄膜 质朴 用处 难处 古朴 简朴 纯朴 眩晕 解法 卷子 马尾 不切实际 反差 "
        "高差 逆差 何曾 发帖 分叉 钻井 相位 一晃 部分 喝道 不了 本相 一肚子 "
        "吸着 应从 了得 倒数 一朝 朝日 上下 东西 地道 大意 老子 孙子 精神 大方 "
        "人家 地方 利害 自然 便宜 多少 兄弟 买卖 地下 开通 对头 下场 合计 过去 "
        "过年 好的 中行 将令 点着 转动 大王"
    )
)


def _is_cut(text: str, start: int, end: int) -> bool:
    """Whether a frequent word crosses one of the edges of text[start:end]."""
    known = common()
    for edge in (start, end):
        for first in range(max(0, edge - _LONGEST + 1), edge):
            for last in range(edge + 1, min(len(text), first + _LONGEST) + 1):
                inside = start <= first and last <= end
                covers = first <= start and end <= last
                loose = first == edge - 1 and edge == start and text[first] in _LOOSE
                if not (inside or covers or loose) and text[first:last] in known:
                    return True
    return False


@lru_cache(maxsize=16384)
def _reading(word: str) -> tuple[str, ...] | None:
    if word not in common() or word in _LEFT_TO_THE_SCORER:
        return None
    phrase = pypinyin_phrase(word)
    return None if phrase is None else tuple(phrase[index] for index in range(len(word)))


def common_readings(text: str) -> dict[int, str]:
    """Read the common words of a run of characters.

    Args:
        text: simplified Han characters.

    Returns:
        Index to syllable for every character inside a common word, longest words first.
    """
    found: dict[int, str] = {}
    for length in range(_LONGEST, 1, -1):
        for start in range(len(text) - length + 1):
            if any(index in found for index in range(start, start + length)):
                continue
            said = _reading(text[start : start + length])
            if said is not None and not _is_cut(text, start, start + length):
                found.update(zip(range(start, start + length), said, strict=True))
    return found
