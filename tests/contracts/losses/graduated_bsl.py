"""Graduated BSL: the formula written naively, and its case, in the middle of a training."""

import inspect
from functools import wraps
from typing import Any

import numpy as np
from torch import Tensor

from crowdkit.losses import GraduatedBSL, graduated_bsl
from losses._case import Case
from losses.bsl import naive_bsl

PROGRESS = 0.2


@wraps(graduated_bsl)
def midway(pred: Tensor, target: Tensor, **keywords: Any) -> Tensor:
    return graduated_bsl(pred, target, progress=PROGRESS, **keywords)


_parameters = inspect.signature(graduated_bsl).parameters
_told = _parameters["progress"].replace(default=PROGRESS)
vars(midway)["__signature__"] = inspect.Signature(list({**_parameters, "progress": _told}.values()))


class Midway(GraduatedBSL):
    """The module, told once how much of the training is done."""

    function = staticmethod(midway)


def naive_graduated(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    density: float = 0.002,
    softness: float = 1000.0,
    until: float = 0.7,
    count_weight: float = 1.0,
    count_floor: float = 0.3,
    background_weight: float = 1.0,
    c1: float = 0.01**2,
    c2: float = 0.03**2,
    stride: int = 1,
    scales: int = 5,
    **keywords: Any,
) -> float:
    soft = softness ** (1 - PROGRESS / until) if until > PROGRESS else 1.0
    structure_and_background = naive_bsl(
        pred,
        target,
        c1=c1 * soft,
        c2=c2 * soft,
        background_weight=background_weight / soft,
        expansion=0.1 / density,
        stride=stride,
        scales=scales,
        **keywords,
    )
    people, pixels = target.sum(), target.size * stride**2
    error = abs(pred.sum() - people) / max(people, count_floor * density * pixels)
    return structure_and_background + count_weight / soft * float(error)


CASE = Case(
    Midway,
    naive_graduated,
    name="GraduatedBSL",
    # Maps x 0.1 / 0.1, so 4 / 11 as of bsl; all crowd; 16 of 48 people counted, over the floor of 0.3 * 0.1 * 16
    literal=(
        [[1.0] * 4] * 4,
        [[3.0] * 4] * 4,
        {"density": 0.1, "softness": 1.0, "c1": 1.0, "scales": 1, "count_weight": 0.3},
        4 / 11 + 0.3 * 2 / 3,
    ),
    variants=(
        {"density": 0.02, "count_floor": 3.0},
        {"softness": 30.0, "until": 0.5, "background_weight": 0.3},
        {"until": 0.1, "c1": 0.01, "c2": 0.03, "count_weight": 0.0},
        {
            "scales": 2,
            "window_size": 5,
            "window_sigma": 0.8,
            "padding": "same",
            "threshold": 0.02,
            "stride": 2,
        },
    ),
    call_time=("progress", "background"),
)
