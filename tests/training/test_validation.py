from dataclasses import replace

import pytest

from crowdkit.data import SyntheticCrowd
from crowdkit.evaluation import mean_baseline
from crowdkit.training.validation import Validation

SCENES = SyntheticCrowd(3, size=(32, 32), people=(1, 4))
ANY = mean_baseline(SCENES, SCENES)


EVEN = (1.0, 1.0)


def result(dataset, *, mae, images, people):
    return replace(ANY, dataset=dataset, mae=mae, images=images, people=people)


def test_the_dense_part_does_not_drown_the_other():
    dense = {"images": 30, "people": 15_000}
    sparse = {"images": 40, "people": 4_800}
    before = Validation(
        results=(result("A", mae=80, **dense), result("B", mae=12, **sparse)), weights=EVEN, empty_scenes=None
    )
    assert before.error == pytest.approx((80 / 500 + 12 / 120) / 2)
    assert before.mae == pytest.approx((30 * 80 + 40 * 12) / 70)
    # Part A gained 4 people an image and part B lost 2.5: the mean over images hides it.
    after = Validation(
        results=(result("A", mae=76, **dense), result("B", mae=14.5, **sparse)),
        weights=EVEN,
        empty_scenes=None,
    )
    assert after.mae < before.mae
    assert after.error > before.error


def test_one_data_set_is_judged_by_its_mae_and_named_without_prefix():
    found = [
        Validation(results=(result("A", mae=mae, images=3, people=30),), weights=(1.0,), empty_scenes=None)
        for mae in (2, 3)
    ]
    assert found[0].error < found[1].error
    assert found[0].numbers() == {"error": found[0].error, **found[0].results[0].metrics()}
    assert str(found[0]).startswith("MAE 2.00, RMSE")


def test_several_are_named_and_nobody_is_told():
    two = (result("A", mae=1, images=1, people=1), result("B", mae=2, images=3, people=0))
    found = Validation(results=two, weights=EVEN, empty_scenes=0.25)
    numbers = found.numbers()
    assert (numbers["A/mae"], numbers["B/mae"], numbers["mae"], numbers["empty_scenes"]) == (1, 2, 1.75, 0.25)
    assert found.error == pytest.approx(
        (1 + 2 / 10) / 2
    )  # a data set of nobody is measured in tens of people
    assert Validation(results=two, weights=(3.0, 1.0), empty_scenes=None).error == pytest.approx(
        (3 + 2 / 10) / 4
    )
    assert str(found).startswith("A MAE 1.00")
    assert str(found).endswith("empty scenes 0.25")
