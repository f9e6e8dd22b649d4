import math

import numpy as np
import pytest

from crowdkit.calibration import Calibration, CountInterval, Domain, HeldOut, measure_coverage
from crowdkit.calibration.coverage import coverage_table
from crowdkit.errors import ArgumentError, DataError


def crowds(images, seed, power=0.8, bias=0.1):
    """Counts from few to thousands, and estimates that miss some of them, more in larger crowds."""
    rng = np.random.default_rng(seed)
    found = np.exp(rng.uniform(np.log(5), np.log(3000), images))
    scale = (found + 5) ** power
    people = np.maximum(0, found + bias * found + 0.5 * scale * rng.standard_t(4, images))
    return people.tolist(), found.tolist()


def naive_ends(people, found, power, coverage):
    scores = sorted((y - f) / (f + 5) ** power for y, f in zip(people, found, strict=True))
    rank = math.floor((len(people) + 1) * (1 - coverage) / 2)
    return scores[rank - 1], scores[-rank]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_the_ends_are_order_statistics_of_the_scores(coverage):
    people, found = crowds(70, seed=1)
    interval = CountInterval.fit(people, found, coverage=coverage)
    lower, upper = naive_ends(people, found, interval.power, coverage)
    assert (interval.lower, interval.upper) == pytest.approx((lower, upper))
    low, high = interval(100.0)
    scale = 105**interval.power
    assert (low, high) == pytest.approx((100 + lower * scale, 100 + upper * scale))
    # Conformal on its own images: all but k - 1 on either side.
    rank = math.floor(71 * (1 - coverage) / 2)
    outside = [not low <= y <= high for y, (low, high) in zip(people, map(interval, found), strict=True)]
    assert sum(outside) == 2 * (rank - 1)


@pytest.mark.parametrize("power", [0.3, 0.6, 1.0])
def test_the_power_follows_the_errors(power):
    people, found = crowds(3000, seed=2, power=power, bias=0.0)
    assert CountInterval.fit(people, found).power == pytest.approx(power, abs=0.11)


def test_a_model_that_counts_too_few_has_more_room_above():
    people, found = crowds(400, seed=3, bias=0.5)
    low, high = CountInterval.fit(people, found)(200.0)
    assert high - 200 > 3 * (200 - low)


def test_new_images_are_covered():
    people, found = crowds(5000, seed=5)
    covered = []
    for start in range(0, 4000, 40):
        interval = CountInterval.fit(people[start : start + 40], found[start : start + 40])
        ends = [interval(each) for each in found[4000:]]
        covered.append(np.mean([a <= y <= b for y, (a, b) in zip(people[4000:], ends, strict=True)]))
    assert 1 - 2 * math.floor(41 * 0.05) / 41 == pytest.approx(0.902, abs=0.001)
    assert np.mean(covered) == pytest.approx(0.902, abs=0.02)


def test_nobody_has_an_interval_too():
    people, found = crowds(70, seed=1)
    low, high = CountInterval.fit(people, found)(0.0)
    assert low == 0
    assert 0 < high < 30
    perfect = CountInterval.fit([float(n) for n in range(30)], [float(n) for n in range(30)])
    assert perfect(12.0) == (12.0, 12.0)


def test_too_few_images_are_told():
    people, found = crowds(19, seed=1)
    assert CountInterval.fit(people, found).images == 19
    with pytest.raises(ArgumentError, match=r"at least 19 held-out images for a coverage of 0\.9, got 18"):
        CountInterval.fit(people[:18], found[:18])
    with pytest.raises(ArgumentError, match="at least 39"):
        CountInterval.fit(people, found, coverage=0.95)
    with pytest.raises(ArgumentError, match="coverage"):
        CountInterval.fit(people, found, coverage=1)
    with pytest.raises(ArgumentError, match="one for each"):
        CountInterval.fit(people, found[1:])
    with pytest.raises(ArgumentError, match="finite"):
        CountInterval.fit([math.nan, *people[1:]], found)


def test_coverage_is_measured_on_images_that_were_not_fitted():
    people, found = crowds(60, seed=7)
    everywhere, *bands = measure_coverage(people, found, found, halvings=200)
    assert [band.images for band in bands] == [20, 20, 20]
    assert bands[0].most <= bands[1].least <= bands[1].most <= bands[2].least
    assert (everywhere.least, everywhere.most) == (min(found), max(found))
    # 30 images: rank 1, so 29 / 31.
    assert everywhere.mean == pytest.approx(29 / 31, abs=0.03)
    assert 0 < everywhere.spread < 0.1
    # Fitted on the tried images it would hold all of them.
    assert everywhere.mean < 0.99
    assert measure_coverage(people, found, found, halvings=200) == (everywhere, *bands)
    assert measure_coverage(people, found, found, halvings=200, seed=1) != (everywhere, *bands)
    assert coverage_table([everywhere, *bands]).count("\n") == 5
    with pytest.raises(ArgumentError, match="at least 19"):
        measure_coverage(people[:30], found[:30], found[:30], halvings=2)
    with pytest.raises(ArgumentError, match="bands"):
        measure_coverage(people, found, found, bands=0)


def test_a_calibration_survives_json():
    people, found = crowds(40, seed=3)
    rows = tuple(
        HeldOut(name=str(n), people=round(y), estimate=f, megapixels=0.8, unusual=("dark",) * (n == 3))
        for n, (y, f) in enumerate(zip(people, found, strict=True))
    )
    domain = Domain(bounds={"brightness": (0.2, 0.7), "peak": (None, 30.0)}, images=9, share=0.05)
    made = Calibration(interval=CountInterval.fit(people, found), domain=domain, held_out=rows)
    assert Calibration.from_dict(made.to_dict()) == made
    assert made.outside == 1
    assert made.measure(halvings=5)[0].images == 40
    broken = made.to_dict()
    broken["domain"]["bounds"]["color"] = [0, 1]
    with pytest.raises(DataError, match=r"bounds of megapixels, .* got color"):
        Calibration.from_dict(broken)
    with pytest.raises(DataError, match="make it again"):
        Calibration.from_dict({"interval": {}})
