"""All voices together: seeds, the ratio to the teachers, outputs that went wrong."""

import json
from dataclasses import replace

import pytest

from eval.metrics.clauses import clause_slip, goes_round
from eval.metrics.stats import double_ratio_interval
from eval.metrics.wer import normalized_text, score_utterance
from eval.report import json_line
from eval.reports.pooled import bad_outputs, pool_voices, pooled_json, pooled_markdown, spread
from eval.systems.listening import Utterance
from eval.systems.sources import Line

TEXT = "one two three four"


def _said(
    wrong: int,
    number: int = 1,
    voice: str = "a",
    seed: int = 0,
    seconds: float = 1.0,
    spoken_s: float | None = None,
    problem: str | None = None,
) -> Utterance:
    heard = " ".join(TEXT.split()[wrong:])
    errors = score_utterance(TEXT, heard)
    line = Line(TEXT, number, voice, seed)
    spoken = seconds if spoken_s is None else spoken_s
    return Utterance("model", line, heard, errors, seconds, spoken, "eos", problem)


def test_spread_over_seeds():
    found = spread([_said(1, seed=3), _said(0, 2, seed=3), _said(3, seed=1), _said(2, 2, seed=1)])
    assert found.by_seed == {1: 5 / 8, 3: 1 / 8}
    assert (found.mean, found.min, found.max) == (3 / 8, 1 / 8, 5 / 8)
    assert found.std == pytest.approx(0.5 / 2**0.5)
    assert spread([_said(1)]).std is None


def test_ratio_is_paired_by_sentence():
    """Hard sentences are hard for both: the ratio is 2 in every draw, though the WERs vary."""
    model = [_said(2 * (n % 2), n, v, s) for n in range(10) for v in "ab" for s in (0, 1)]
    teachers = {v: [_said(n % 2, n, v) for n in range(10)] for v in "ab"}
    pooled = pool_voices(model, teachers)
    assert pooled.ratio is not None
    assert (pooled.ratio.estimate, pooled.ratio.low, pooled.ratio.high) == (2.0, 2.0, 2.0)
    assert pooled.wer.estimate == 0.25
    assert pooled.wer.low < 0.25 < pooled.wer.high
    result = pooled_json(pooled, "en")
    # .25 beside 1.25 x .125 + .005
    assert result["goal_wer"] == pytest.approx(0.16125)
    assert result["wer_met"] is False
    assert result["bad_met"] is True
    assert json.loads(json_line(result))["voices"]["b"]["by_seed"] == {"0": 0.25, "1": 0.25}
    text = pooled_markdown(pooled, "en")
    assert "ratio 2.000 [2.000, 2.000]" in text
    assert "Of 40 outputs 0 empty" in text


def test_ratio_leaves_out_voices_without_a_teacher():
    model = [_said(1, n, v) for n in (1, 2) for v in "ab"] + [_said(4, n, "c") for n in (1, 2)]
    pooled = pool_voices(model, {v: [_said(1, n, v) for n in (1, 2)] for v in "ab"})
    assert pooled.ratio is not None
    assert pooled.ratio.estimate == 1.0
    assert pooled.wer.estimate == 0.5
    assert pooled_json(pooled, "en")["wer_met"] is True
    # Lengths of voice c cannot be judged.
    assert pooled_json(pooled, "en")["bad_met"] is None


def test_no_ratio_without_teachers_or_their_errors():
    model = [_said(1, n) for n in (1, 2)]
    assert pool_voices(model, {}).ratio is None
    faultless = pool_voices(model, {"a": [_said(0, n) for n in (1, 2)]})
    assert faultless.ratio is None
    assert pooled_json(faultless, "en")["wer_met"] is False  # one error in four, and none
    assert pooled_json(pool_voices(model, {}), "en")["wer_met"] is None
    with pytest.raises(ValueError, match="no output"):
        pool_voices([], {})


def test_bad_outputs_are_counted_once():
    teachers = {"a": [_said(0, n, seconds=2.0, spoken_s=1.6) for n in range(1, 8)]}
    model = [
        _said(0, 1, seconds=4.0),
        _said(0, 2, seconds=4.1),  # runaway
        _said(0, 3, seconds=1.0, spoken_s=0.8),
        _said(0, 4, seconds=1.0, spoken_s=0.7),  # cut
        _said(0, 5, seconds=5.0, spoken_s=0.1),  # runaway, and not cut as well
        _said(4, 6, seconds=0.0, problem="empty"),
        _said(4, 7, seconds=0.0, problem="failed: no"),
    ]
    bad = bad_outputs(model, teachers)
    assert (bad.empty, bad.failed, bad.cut, bad.runaway, bad.total, bad.judged) == (
        1,
        1,
        1,
        2,
        7,
        7,
    )
    assert bad.share == 5 / 7


def test_double_ratio_interval():
    first, second = ([1.0, 3.0], [2.0, 2.0]), ([1.0, 1.0], [4.0, 4.0])
    found = double_ratio_interval(first, second, ([1, 2], [1, 2]))
    assert found is not None
    assert found.estimate == 4.0
    assert (found.low, found.high) == (2.0, 6.0)
    assert double_ratio_interval(first, ([0.0, 0.0], [4.0, 4.0]), ([1, 2], [1, 2])) is None
    with pytest.raises(ValueError, match="same groups"):
        double_ratio_interval(first, second, ([1, 2], [1, 3]))
    with pytest.raises(ValueError, match="one length"):
        double_ratio_interval(first, second, ([1, 2], [1, 2, 2]))


def test_clauses_count_unless_the_teacher_slips_there_too():
    def said(number: int, slip: str | None, problem: str | None = None) -> Utterance:
        return replace(_said(0, number), slip=slip, problem=problem)

    model = [said(1, "lost"), said(2, "added"), said(3, None), said(4, "lost", "empty")]
    teacher = [said(1, None), said(2, "lost"), said(3, None), said(4, None)]
    assert bad_outputs(model, {"a": teacher}).slips == 1
    assert bad_outputs(model, {}).slips == 2
    told = pooled_json(pool_voices(model, {"a": teacher}), "en")
    assert told["slips_met"] is False


def test_opinions_stand_beside_the_teachers():
    def said(voice: str, score: float) -> Utterance:
        return replace(_said(0, voice=voice), opinions={"distillmos": score})

    model = [said("a", 3.0), said("a", 4.0), said("b", 3.0), said("c", 1.0)]
    model.append(replace(_said(0), problem="empty"))
    pooled = pool_voices(model, {"a": [said("a", 4.0)], "b": [said("b", 4.0)]})
    found = pooled_json(pooled, "en")["opinions"]["distillmos"]
    assert found["a"] == {"mean": 3.5, "teacher": 4.0, "share": 0.875}
    assert found["c"] == {"mean": 1.0, "teacher": None, "share": None}
    assert "share 0.812 (goal 0.9), worst voice 0.750" in pooled_markdown(pooled, "en")


ZH = "今天我们去公园"


def test_a_clause_is_more_than_a_word_and_other_words_are_no_slip():
    text = "we walked along the river and then we went home again"

    def slip(heard: str) -> str | None:
        return clause_slip(text, heard, score_utterance(text, heard), "en")

    assert slip(text) is None
    assert slip("we walked along the river then we went home again") is None
    assert slip("we walked along the river") == "lost"
    assert slip(text + " and then we went home again") == "added"
    assert slip("we walked along the weaver in den vivant foam again") is None
    slips = {ZH: None, ZH[2:]: None, ZH[4:]: "lost", "": "lost", ZH * 2: "added"}
    for heard, found in slips.items():
        assert clause_slip(ZH, heard, score_utterance(ZH, heard, "zh"), "zh") == found


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("The number is 724-2591.", "The number is 7 to 4, to 5-9-1."),
        ("The number is 874-7561.", "The number is 8-7-4-756-1."),
        ("It costs $633.32.", "It costs $633 and $30 to cents."),
        ("My number is five two seven, nine four one three.", "My number is 5 to 7, 9-4-1-3"),
        ("K Y C H.", "KYCH"),
    ],
)
def test_what_sounds_alike_is_no_slip_however_it_is_written(text, heard):
    errors = score_utterance(text, heard, "en", normalized_text)
    assert clause_slip(text, heard, errors, "en") is None


def test_a_recogniser_that_goes_round_in_a_circle_is_told_from_speech():
    for heard, circle in (("you " * 60, True), ("no no no no no no", False)):
        assert goes_round(score_utterance("you", heard), 3.0, "en") is circle
