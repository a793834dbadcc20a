import numpy as np
import pytest

from eval.metrics.stats import mean_interval, ratio_interval


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        values = rng.exponential(1.0, size=60)
        interval = mean_interval(values.tolist(), num_resamples=300, seed=trial)
        hits += interval.low <= 1.0 <= interval.high
    # The percentile bootstrap undershoots a little on skewed samples of 60.
    assert 0.86 <= hits / 200 <= 0.99


def test_same_seed_same_interval():
    values = np.random.default_rng(0).random(50).tolist()
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_constant_values_have_no_width():
    interval = mean_interval([0.25] * 10)
    assert (interval.estimate, interval.low, interval.high) == (0.25, 0.25, 0.25)


def test_ratio_is_of_sums():
    assert ratio_interval([1, 2], [4, 1]).estimate == 3 / 5


def test_repeats_of_a_group_do_not_narrow_the_interval():
    values = np.random.default_rng(0).normal(size=30).tolist()
    groups = [str(i) for i in range(30)]
    once = mean_interval(values, groups)
    repeated = mean_interval(values * 4, groups * 4)
    naive = mean_interval(values * 4)
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))
    assert naive.high - naive.low < 0.7 * (once.high - once.low)


@pytest.mark.parametrize(
    ("numerators", "denominators", "options"),
    [
        ([], [], {}),
        ([1], [1, 2], {}),
        ([1], [0], {}),
        ([1, 1], [1, -1], {}),
        ([1], [1], {"confidence": 1.0}),
        ([1], [1], {"num_resamples": 0}),
        ([1], [1], {"groups": ["a", "b"]}),
    ],
)
def test_bad_input(numerators, denominators, options):
    with pytest.raises(ValueError, match=r"must|need|got"):
        ratio_interval(numerators, denominators, **options)
