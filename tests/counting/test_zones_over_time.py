"""Statistics, alerts and the filter, on series whose answers are known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from crowdkit.counting import Alert, CountStatistics, Smoother, ZoneCounter, smooth
from crowdkit.data import Zone
from crowdkit.errors import ArgumentError, DataError, ShapeError

# ---- zones -----------------------------------------------------------------------------------------


def partition(size: tuple[int, int]) -> list[Zone]:
    """Four zones about a crooked middle."""
    height, width = size
    m, n = 0.37 * width, 0.61 * height
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    sides = [(0.2 * width, 0), (width, 0.7 * height), (0.9 * width, height), (0, 0.3 * height)]
    zones = [
        [sides[k - 1], corners[k], sides[k], (m, n)] for k in range(4)
    ]  # each: the end of the last side, a corner, a side, the middle
    return [Zone(str(k), torch.tensor(zone, dtype=torch.float64)) for k, zone in enumerate(zones)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(9, 60), st.integers(9, 60), st.integers(1, 8))
def test_a_partition_sums_to_the_whole(seed, height, width, stride):
    cells = -(-height // stride), -(-width // stride)
    density = torch.rand(1, 1, *cells, generator=torch.Generator().manual_seed(seed)) * 20
    counts = ZoneCounter(partition((height, width)), (height, width), stride=stride)(density)
    whole = float(density.double().sum())
    assert sum(counts.values()) == pytest.approx(whole, rel=1e-6 / max(whole, 1), abs=1e-6)


def test_a_zone_empties_when_people_leave():
    counter = ZoneCounter(
        [Zone("left", torch.tensor([[0.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]]))], (8, 16), stride=4
    )
    density = torch.zeros(1, 1, 2, 4)
    density[0, 0, 0, 1] = 3
    assert counter(density) == {"left": 3.0}
    assert counter(density.roll(1, -1)) == {"left": 0.0}
    assert ZoneCounter([], (8, 16), stride=4)(density) == {}
    with pytest.raises(ShapeError, match="size: expected"):
        counter(torch.zeros(1, 1, 3, 4))
    with pytest.raises(DataError, match="zone 'left'"):
        ZoneCounter(counter.zones, (4, 8), stride=4)


# ---- statistics ------------------------------------------------------------------------------------


def test_statistics_weigh_counts_by_their_time():
    figures = CountStatistics(limit=15)
    for time, count in ((0, 10), (1, 20), (1.5, 30), (4, 5), (10, 0)):
        figures.update(time, count)
    assert figures.mean == pytest.approx((10 * 1 + 20 * 0.5 + 30 * 2.5 + 5 * 6) / 10)
    assert (figures.largest, figures.largest_at, figures.time_over, figures.seconds) == (30, 1.5, 3.0, 10)


def test_trend_is_that_of_the_window():
    figures = CountStatistics(window="20s")
    for time in range(100):
        figures.update(time, 50.0 if time < 60 else 50 + 0.5 * (time - 60))
    assert figures.trend == pytest.approx(30.0)
    assert len(figures._recent) == 21
    assert math.isnan(CountStatistics().trend)


def test_unknown_time_counts_for_nothing():
    figures = CountStatistics(limit=1, longest_gap=2)
    for time, count in ((0, 4), (1, math.nan), (5, 2), (60, 3)):
        figures.update(time, count)
    assert (figures.seconds, figures.time_over) == (3, 3)
    assert figures.mean == pytest.approx((4 * 1 + 2 * 2) / 3)
    empty = CountStatistics(limit=1)
    assert math.isnan(empty.mean)
    assert empty.to_dict()["largest"] is None
    empty.update(3, 7)
    assert (empty.mean, empty.largest) == (7, 7)
    with pytest.raises(ArgumentError, match="time: expected seconds after 3, got 3"):
        empty.update(3, 7)


# ---- alerts ----------------------------------------------------------------------------------------


def run(alert: Alert, values: list[float], step: float = 1.0) -> list[tuple[float, bool]]:
    events = [alert.update(step * number, value) for number, value in enumerate(values)]
    return [(event.time, event.raised) for event in events if event]


def test_an_alert_takes_its_time_to_begin_and_to_end():
    values = [100] * 3 + [130] * 5 + [100] + [130] * 20 + [112] * 20 + [90] * 5 + [120] + [90] * 15
    assert run(Alert.parse("gate > 120 for 10s"), values) == [(19, True), (65, False)]


def test_a_flickering_count_raises_one_alert():
    flicker = [119.0, 122.0] * 50
    assert run(Alert.parse("gate > 120"), flicker) == [(1, True)]
    assert run(Alert.parse("gate > 120 until 120"), flicker) == [(n, n % 2 == 1) for n in range(1, 100)]
    assert run(Alert.parse("gate > 120 for 3s"), flicker) == []


def test_below_and_at_the_limit():
    assert run(Alert.parse("exit < 5 for 2s"), [5, 4, 4, 4, 5.4, 5.6, 6, 7]) == [(3, True), (7, False)]
    assert run(Alert.parse("exit > 5"), [5, 5, 5]) == []


def test_nan_breaks_a_wait_and_ends_nothing():
    nan = math.nan
    assert run(Alert.parse("a > 1 for 3s"), [2, 2, 2, nan, 2, 2, 2, 2, nan, nan, 2]) == [(7, True)]


def test_hold_is_exact_at_any_frame_rate():
    for rate in (10, 25, 30000 / 1001):
        events = run(Alert.parse("a > 1 for 2s"), [2.0] * 100, step=1 / rate)
        assert events == [(pytest.approx(math.ceil(2 * rate - 1e-6) / rate), True)]


@pytest.mark.parametrize(
    "text",
    [
        "gate > 120 for 10s until 108",
        "north gate < 4/m2 for 300s until 4.5",
        "gate 2 > 7 until 7",
    ],
)
def test_alerts_read_what_they_write(text):
    assert str(Alert.parse(text)) == text
    assert str(Alert.parse(f"  {text.replace(' ', '  ')} ")).split() == text.split()


def test_forms_of_alerts():
    assert str(Alert.parse("stairs>4 / m2 for 5 min")) == "stairs > 4/m2 for 300s until 3.6"
    assert str(Alert.parse("stairs > 4 for 10 until 2")) == "stairs > 4 for 10s until 2"
    for text in (
        "",
        "gate",
        "gate > many",
        "> 5",
        "gate >= 5",
        "gate > 5 for",
        "gate > 5 since 3s",
        "gate > -5",
    ):
        with pytest.raises(ArgumentError, match="alert: expected a form such as"):
            Alert.parse(text)
    with pytest.raises(ArgumentError, match="hold: expected a time"):
        Alert.parse("gate > 5 for 3 weeks")
    with pytest.raises(ArgumentError, match="until: expected a value below the limit 5, got 6"):
        Alert.parse("gate > 5 until 6")


# ---- the filter ------------------------------------------------------------------------------------


def naive_repeated_median(times: list[float], counts: list[float], now: float) -> float:
    pairs = range(len(times))
    slopes = [
        float(np.median([(counts[i] - counts[j]) / (times[i] - times[j]) for j in pairs if j != i]))
        for i in pairs
    ]
    level = float(np.median([counts[i] - float(np.median(slopes)) * (times[i] - now) for i in pairs]))
    return min(max(level, min(counts)), max(counts))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(3, 30))
def test_the_filter_is_the_repeated_median(seed, length):
    rng = np.random.default_rng(seed)
    times, counts = np.cumsum(rng.uniform(0.1, 0.4, length)), rng.uniform(0, 100, length)
    found = smooth(times, counts, window=3.0, causal=True)
    for n, time in enumerate(times):
        past = [k for k in range(n + 1) if times[k] >= time - 3.0]
        if len(past) >= 3:
            expected = naive_repeated_median(times[past].tolist(), counts[past].tolist(), time)
            assert found[n] == pytest.approx(expected)


def test_a_rise_passes_without_lag_and_outliers_without_trace():
    times = np.arange(0, 40, 0.2)
    truth = np.where(times < 20, 100.0, 100 + 3 * (times - 20))
    rng = np.random.default_rng(0)
    counts = truth + rng.normal(0, 4, len(times))
    wild = rng.random(len(times)) < 0.15
    counts[wild] += rng.choice((-90, 90), wild.sum())
    found = smooth(times, counts, window="4s", causal=True)
    median = np.array([np.median(counts[(times > t - 4) & (times <= t)]) for t in times])
    late = times > 26
    assert abs((found - truth)[late].mean()) < 1.0
    assert (median - truth)[late].mean() < -4
    assert np.abs(found - truth)[times > 4].mean() < 4
    assert np.abs(np.diff(found)).sum() < 0.35 * np.abs(np.diff(counts)).sum()
    centered = smooth(times, counts, window="4s")
    assert np.abs(centered - truth)[times > 4].mean() < np.abs(found - truth)[times > 4].mean()


def test_the_filter_is_causal_and_stays_in_range():
    rng = np.random.default_rng(1)
    times, counts = np.arange(60) / 10, rng.uniform(0, 50, 60)
    whole = smooth(times, counts, causal=True)
    np.testing.assert_array_equal(smooth(times[:30], counts[:30], causal=True), whole[:30])
    assert whole.min() >= 0
    step = smooth(np.arange(40), [0.0] * 20 + [100.0] * 20, window=9, causal=True)
    assert step.min() >= 0
    assert step.max() <= 100
    assert step[-1] == 100


def test_the_filter_passes_over_nan_and_refuses_disorder():
    smoother = Smoother(2)
    assert math.isnan(smoother.update(0, math.nan))
    assert smoother.update(1, 5) == 5
    assert smoother.update(2, math.nan) == 5
    with pytest.raises(ArgumentError, match="time: expected seconds after 1"):
        smoother.update(0.5, 3)
    with pytest.raises(ArgumentError, match="times: expected seconds that rise"):
        smooth([0, 0], [1, 2])
    with pytest.raises(ShapeError, match="one length"):
        smooth([0, 1], [1])
    np.testing.assert_array_equal(smooth([0, 1, 9], [4, np.nan, 4], window=2), [4, 4, 4])


def test_long_windows_stay_quick():
    smoother = Smoother("1h")
    for n in range(400):
        found = smoother.update(n / 30, 50.0 + n)
    assert found == pytest.approx(449.0)
