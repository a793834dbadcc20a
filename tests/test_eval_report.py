"""Caches, charts, the order of the rows and the sentences about it."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from eval.cache import key_of, read_record, weights_digest, write_record, write_text
from eval.metrics.wer import normalized_text, score_utterance
from eval.report import Progress
from eval.reports import svg
from eval.reports.scores import Score, best_of, make_rows, order_holds, summarize_row
from eval.reports.seed_report import Facts, markdown, order_lines, worst
from eval.systems.meta import MetaItem
from eval.systems.stages import SpokenItem
from eval.systems.systems import FileSystem, Job

TEXT = "a b c d"


def test_keys_depend_on_content_only():
    assert key_of({"a": 1, "b": "ü"}) == key_of({"b": "ü", "a": 1})
    assert key_of({"a": 1}) != key_of({"a": "1"})
    with pytest.raises(ValueError, match="Out of range"):
        key_of({"a": float("nan")})


def test_text_is_written_once_and_whole(tmp_path: Path):
    path = tmp_path / "new" / "x.txt"
    assert write_text(path, "one") is True
    before = path.stat().st_mtime_ns
    assert write_text(path, "one") is False
    assert path.stat().st_mtime_ns == before
    assert write_text(path, "two") is True
    assert [p.name for p in path.parent.iterdir()] == ["x.txt"]


def test_damaged_records_are_no_records(tmp_path: Path):
    path = tmp_path / "r.json"
    assert read_record(path) is None
    write_record(path, {"a": [1.5]})
    assert read_record(path) == {"a": [1.5]}
    for text in ('{"a":', "[1]", ""):
        path.write_text(text)
        assert read_record(path) is None
    with pytest.raises(ValueError, match="Out of range"):
        write_record(path, {"a": float("inf")})


def test_weights_are_known_by_their_content(tmp_path: Path):
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_bytes(b"same" if name != "three" else b"other")
        (tmp_path / name / "README.md").write_text(name)
    one, two, three = (weights_digest(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two != three
    with pytest.raises(ValueError, match="no file"):
        weights_digest(tmp_path / "four")


def test_progress_in_a_log_is_one_line(capsys: pytest.CaptureFixture[str]):
    with Progress(3, "speak") as progress:
        for _ in range(3):
            progress.step()
    with Progress(0, "nothing"):
        pass
    assert capsys.readouterr().err.startswith("speak: 3/3 in ")


def _score(utt: str, transcript: str, sim: float | None, seed: int = 0) -> Score:
    spoken = SpokenItem(Job("s", MetaItem(utt, TEXT), seed), Path("x.wav"), "d", 1.0, "eos")
    errors = score_utterance(TEXT, transcript)
    forgiving = score_utterance(TEXT, transcript, rules=normalized_text)
    return Score(spoken, transcript, errors, forgiving, sim, None, ())


def _system(key: str, kind: str, seeds: tuple[int, ...] = (0,)) -> FileSystem:
    return FileSystem(key, key, kind, lambda item: None, seeds)


SYSTEMS = [_system("truth", "recording"), _system("resynthesis-k4", "resynthesis")]
SYSTEMS += [_system("clone-k4", "model", (0, 1))]
SCORES = {
    "truth": [_score("u", TEXT, 0.9), _score("v", "a b c", 0.8)],
    "resynthesis-k4": [_score("u", "a b c", 0.7), _score("v", "a b", 0.8)],
    "clone-k4": [
        *(_score("u", "a", 0.5), _score("v", "a", 0.6)),
        *(_score("u", TEXT, 0.7, 1), _score("v", "", None, 1)),
    ],
}


def test_rows():
    rows, outputs = make_rows(SYSTEMS, SCORES, with_best=True)
    assert [row.key for row in rows] == ["truth", "resynthesis-k4", "clone-k4", "clone-k4-best2"]
    clone, best = rows[2], rows[3]
    assert clone.official_wer_percent == pytest.approx(100 * (0.75 + 0.75 + 0 + 1) / 4)
    assert clone.wer_percent_by_seed == {"0": 75.0, "1": 50.0}
    assert clone.sim is not None
    assert clone.sim.estimate == pytest.approx(0.6)
    assert (clone.num_outputs, clone.num_sim) == (4, 3)
    assert best.official_wer_percent == pytest.approx(100 * (0 + 0.75) / 2)
    assert [(s.utt, s.seed) for s in outputs["clone-k4-best2"]] == [("u", 1), ("v", 0)]
    with pytest.raises(ValueError, match="no output"):
        summarize_row("x", "x", "model", [])


def test_order_and_its_steps():
    rows, outputs = make_rows(SYSTEMS, SCORES)
    order = order_holds(rows, outputs)
    assert order["wer"]["figures"] == {"truth": 0.125, "resynthesis-k4": 0.375, "clone-k4": 0.625}
    assert order["wer"]["holds"] is True
    first, second = order["wer"]["steps"]
    assert (first["from"], first["to"], first["change"]["estimate"]) == (
        *("truth", "resynthesis-k4", 0.25),
    )
    assert second["change"]["estimate"] == pytest.approx(0.25)
    assert order["sim"]["holds"] is True
    # The model better than the resynthesis: the order is broken, and said to be.
    swapped = {**SCORES, "resynthesis-k4": SCORES["clone-k4"], "clone-k4": SCORES["resynthesis-k4"]}
    order = order_holds(*make_rows(SYSTEMS, swapped))
    assert order["wer"]["holds"] is False
    facts = Facts("t", {}, "en", order, ())
    assert any("by WER: NO" in line for line in order_lines(facts))
    # One kind alone has no order.
    assert order_holds(*make_rows(SYSTEMS[2:], SCORES)) == {}


def test_worst_and_markdown():
    rows, outputs = make_rows(SYSTEMS, SCORES)
    assert [(s.utt, s.seed) for s in worst(outputs["clone-k4"], 3)] == [
        ("v", 1),
        ("u", 0),
        ("v", 0),
    ]
    text = markdown(Facts("Title", {"a | b": "c"}, "zh", {}, ["A note."]), rows, outputs)
    assert text.startswith("# Title\n")
    assert "CER % [95 %], official" in text
    assert "a \\| b" in text
    assert "62.500 [" in text


def test_charts_are_well_formed_and_count_right():
    assert svg.bin_counts([-1.0, 0.0, 0.49, 0.5, 1.0, 2.0], 0.0, 1.0, 2) == [3, 3]
    lines = svg.sorted_lines({"<a>": [0.5, 3.0], "none": []}, "<title>", 2.0)
    bars = svg.bars([0.5, 3.0], "bars", 2.0)
    histogram = svg.histogram([0.5], "h", -0.2, 1.0, 24)
    for chart in (lines, bars, histogram, svg.bars([], "empty", 2.0)):
        ElementTree.fromstring(chart)
    assert lines.count("<polyline") == 1
    heights = [float(r.get("height", "0")) for r in ElementTree.fromstring(bars).iter("rect")]
    # 0.5 of 2.0 is a quarter; 3.0 is cut at the edge.
    assert heights[0] == pytest.approx(heights[1] / 4)
    assert heights[1] == svg.HEIGHT - svg.TOP - svg.BOTTOM


def test_best_of_takes_the_lowest_rate_then_the_highest_similarity():
    def one(utt: str, seed: int, transcript: str, sim: float | None) -> Score:
        job = Job("clone", MetaItem(utt, "a b c d"), seed)
        errors = score_utterance("a b c d", transcript)
        return Score(SpokenItem(job, Path("x")), transcript, errors, errors, sim, None, ())

    scores = [one("u", 0, "a b", 0.9), one("u", 1, "a b c", 0.1), one("u", 2, "a b c", 0.2)]
    scores += [one("v", 0, "", None), one("v", 1, "", None)]
    assert [(s.utt, s.seed) for s in best_of(scores)] == [("u", 2), ("v", 0)]
