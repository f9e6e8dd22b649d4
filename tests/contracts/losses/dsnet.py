"""Loss of DSNet: the formula written naively, and its case."""

import numpy as np

from crowdkit.losses import DSNetLoss
from losses._case import CROWD, Case
from losses.density_level_consistency import naive_consistency
from losses.mse import naive_mse


def naive_dsnet(
    pred: np.ndarray,
    target: np.ndarray,
    *,
    consistency_weight: float = 1000.0,
    sizes: tuple[int, ...] = (1, 2, 4),
    expansion: float = 64.0,
    stride: int = 1,
) -> float:
    both = {"expansion": expansion, "stride": stride}
    consistency = naive_consistency(pred, target, sizes=sizes, **both)
    return naive_mse(pred, target, **both) + consistency_weight * consistency


CASE = Case(
    DSNetLoss,
    naive_dsnet,
    literal=(
        [[0.0, 1.0, 2.0, -3.0]],
        CROWD,
        {"expansion": 1.0, "sizes": (1, 2), "consistency_weight": 10.0},
        17 / 4 + 10 * 2,
    ),
    variants=({"sizes": (2, 5), "expansion": 1.0, "consistency_weight": 3.0}, {"stride": 8}),
)
