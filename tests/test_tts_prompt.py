"""Row layout and the inner monologue's rules."""

from __future__ import annotations

import pytest
import torch

from frontend import phonemize
from tiny import tiny_tts_config
from tts.inference.prompt import MAX_ADVANCE, Monologue, UnknownSymbolError, prompt_rows, text_ids
from tts.model.config import PhonemeConfig

CONFIG = tiny_tts_config()
PHONEMES = CONFIG.phonemes or PhonemeConfig((), 0, 0)
END = CONFIG.audio_end_token_id


def test_ids_name_symbol_and_phase():
    ids = text_ids(("<en>", "T", *["AH0"] * 9, "T"), PHONEMES).tolist()
    decoded = [divmod(i - PHONEMES.first_id, PHONEMES.phases) for i in ids]
    assert [PHONEMES.symbols[s] for s, _ in decoded] == ["<en>", "T", *["AH0"] * 9, "T"]
    assert [p for _, p in decoded] == [i % PHONEMES.phases for i in range(12)]


def test_no_id_stands_twice_within_reach():
    ids = text_ids(("AH0",) * 40, PHONEMES)
    for first in range(30):
        window = ids[first : first + MAX_ADVANCE + 1].tolist()
        assert len(set(window)) == len(window)


def test_unknown_symbol_is_named():
    with pytest.raises(UnknownSymbolError, match="QQ"):
        text_ids(("T", "QQ"), PHONEMES)


def test_prompt_layout():
    voice = torch.arange(8).view(4, 2)
    rows = prompt_rows(torch.tensor([50, 60, 70]), voice, CONFIG)
    c, pad = CONFIG, CONFIG.audio_pad_code
    assert rows[:, 0].tolist() == [
        c.audio_start_token_id,
        c.audio_user_slot_token_id,
        c.audio_user_slot_token_id,
        c.audio_end_token_id,
        50,
        60,
        70,
        c.im_end_token_id,
        c.audio_start_token_id,
    ]
    assert torch.equal(rows[1:3, 1:], voice.t())
    assert (torch.cat([rows[:1], rows[3:]])[:, 1:] == pad).all()


def monologue(length: int = 20, **state) -> Monologue:
    return Monologue(torch.arange(100, 100 + length), END, **state)


def test_the_first_frame_may_reach_the_first_few_symbols():
    assert monologue().allowed().tolist() == [100 + i for i in range(MAX_ADVANCE)]


def test_a_place_may_stay_or_advance_but_never_go_back():
    state = monologue().after(101)
    assert state.position == 1
    assert state.allowed().tolist() == [101 + i for i in range(MAX_ADVANCE + 1)]


def test_no_syllable_can_be_left_out():
    symbols = phonemize("花都开了").symbols
    (first,) = (i for i, s in enumerate(symbols) if s == "zh_h")
    (next_one,) = (i for i, s in enumerate(symbols) if s == "zh_d")
    assert 100 + next_one not in monologue(position=first).allowed().tolist()


def test_the_end_is_open_only_after_the_last_symbol():
    assert END not in monologue(3, position=1).allowed().tolist()
    assert monologue(3, position=2).allowed().tolist() == [102, END]


def test_too_long_a_stay_forces_the_next_step():
    state = monologue(max_stay=2).after(100).after(100)
    assert state.stay == 2
    assert 100 not in state.allowed().tolist()
    last = monologue(1, max_stay=1).after(100)
    assert last.allowed().tolist() == [END]


def test_a_limit_closes_the_rest_until_released():
    state = monologue(limit=3)
    assert state.allowed().tolist() == [100, 101]
    state = state.after(101)
    assert state.allowed().tolist() == [101, 102]
    state = state.after(102)
    assert state.allowed().tolist() == [102]
    free = state.released()
    assert free.position == 2
    assert free.allowed().tolist() == [102 + i for i in range(MAX_ADVANCE + 1)]
    assert monologue(limit=3).released().position == 2
